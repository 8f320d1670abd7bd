package eval_test

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
)

func folder() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"hello.txt": file("Hello World"), "hello.tmpl": file("Hello, ${name}!"), "list.tmpl": file("%{ for x in list ~}\n- ${x}\n%{ endfor ~}\n"), "bytes.bin": file("\xff\xfe"),
		"self.tmpl": file(`${templatefile("self.tmpl", {})}`), "bad.tmpl": file("one\n${nam}\n"), "open.tmpl": file("${"), "value.tmpl": file("${list}"),
		"loops.tmpl": file("%{for a in n}%{for b in n}%{for c in n}x%{endfor}%{endfor}%{endfor}"),
		"sql/a.sql":  file("a"), "sql/deep/b.sql": file("b"), "sql/deep/c.txt": file("c"),
	}
}

func evaluate(source string) (string, *expr.Error) {
	x, diags := hclsyntax.ParseExpression([]byte(source), "", hcl.InitialPos)
	if diags.HasErrors() {
		return "", &expr.Error{Summary: diags.Error()}
	}
	e := expr.NewEvaluator(eval.Limits(), eval.Functions(folder()), func(t hcl.Traversal) (cty.Value, int, *expr.Error) {
		return cty.StringVal(strings.Repeat("x", 60<<10)), min(2, len(t)), nil // local.big and the like
	})
	v, err := e.Eval(x, cty.DynamicPseudoType)
	if err != nil {
		return "", err
	}
	text, marshalErr := ctyjson.Marshal(v, v.Type())
	if marshalErr != nil {
		return "", &expr.Error{Summary: marshalErr.Error()}
	}
	return string(text), nil
}

// TestFunctions: names, arguments and results are those of Terraform's
// documentation. Every function is called.
func TestFunctions(t *testing.T) {
	called := map[string]bool{}
	for _, tc := range vectors {
		for _, name := range calls(tc.source) {
			called[name] = true
		}
		got, err := evaluate(tc.source)
		if tc.want == "" {
			if err == nil {
				t.Errorf("%s: got %s, want an error", tc.source, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.source, err)
		} else if !sameJSON(got, tc.want) {
			t.Errorf("%s:\n got %s\nwant %s", tc.source, got, tc.want)
		}
	}
	for name := range eval.Functions(folder()) {
		if !called[name] {
			t.Errorf("%s is in no row of the table", name)
		}
	}
}

func calls(source string) (names []string) {
	x, diags := hclsyntax.ParseExpression([]byte(source), "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	_ = hclsyntax.VisitAll(x, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			names = append(names, call.Name)
		}
		return nil
	})
	return names
}

func sameJSON(a, b string) bool {
	decode := func(text string) (v any) {
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return text
		}
		return v
	}
	return cmp.Equal(decode(a), decode(b))
}

// A row without want is an error.
var vectors = []struct{ source, want string }{
	// Numbers.
	{`abs(-12.4)`, `12.4`},
	{`ceil(5.1)`, `6`},
	{`ceil(-5.1)`, `-5`},
	{`floor(4.9)`, `4`},
	{`floor(-4.1)`, `-5`},
	{`log(16, 2)`, `4`},
	{`ceil(log(15, 2))`, `4`},
	{`max(12, 54, 3)`, `54`},
	{`min([12, 54, 3]...)`, `3`},
	{`max()`, ``},
	{`parseint("100", 10)`, `100`},
	{`parseint("FF", 16)`, `255`},
	{`parseint("-10", 2)`, `-2`},
	{`parseint("1011111011101111", 2)`, `48879`},
	{`parseint("aA", 62)`, `656`},
	{`parseint("12", 2)`, ``},
	{`pow(3, 2)`, `9`},
	{`pow(4, 0)`, `1`},
	{`signum(-13)`, `-1`},
	{`signum(0)`, `0`},
	{`sum([10, 13, 6, 4.5])`, `33.5`},
	{`sum([])`, ``},

	// Text.
	{`chomp("hello\r\n")`, `"hello"`},
	{`endswith("hello world", "world")`, `true`},
	{`format("Hello, %s! %d%%", "Ander", 4)`, `"Hello, Ander! 4%"`},
	{`format("%#v", {a = [1, true, null]})`, `"{\"a\":[1,true,null]}"`},
	{`format("%5.1f|%-4s|%q|%x|%t|%v", 3.14159, "a", "b", 255, true, "v")`, `"  3.1|a   |\"b\"|ff|true|v"`},
	{`format("%d", "x")`, ``},
	{`format("2026-11-25T10:00:00.123456789Z %s", "x")`, `"2026-11-25T10:00:00.123456789Z x"`},
	{`format("%1234567890d", 1)`, ``},
	{`format("%%1234567890s")`, `"%1234567890s"`},
	{`formatlist("Hello, %s!", ["Valentina", "Ander"])`, `["Hello, Valentina!","Hello, Ander!"]`},
	{`formatlist("%s, %s!", "Salutations", ["A", "B"])`, `["Salutations, A!","Salutations, B!"]`},
	{`indent(2, "a\nb")`, `"a\n  b"`},
	{`join("-", ["foo", "bar"], ["baz"])`, `"foo-bar-baz"`},
	{`lower("АЛЛО!")`, `"алло!"`},
	{`upper("алло!")`, `"АЛЛО!"`},
	{`title("hello world")`, `"Hello World"`},
	{`regex("[a-z]+", "53453453.345345aaabbbccc23454")`, `"aaabbbccc"`},
	{`regex("(\\d\\d\\d\\d)-(\\d\\d)", "2019-02-01")`, `["2019","02"]`},
	{`regex("^(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?", "https://terraform.io/docs/")`, `{"authority":"terraform.io","scheme":"https"}`},
	{`regex("[a-z]+", "1")`, ``},
	{`regexall("[a-z]+", "1234abcd5678efgh9")`, `["abcd","efgh"]`},
	{`length(regexall("[a-z]+", "123456789"))`, `0`},
	{`replace("1 + 2 + 3", "+", "-")`, `"1 - 2 - 3"`},
	{`replace("hello world", "/w.*d/", "everybody")`, `"hello everybody"`},
	{`replace("hello", "/(l+)/", "<$1>")`, `"he<ll>o"`},
	{`split(",", "foo,bar,,")`, `["foo","bar","",""]`},
	{`split(",", "")`, `[""]`},
	{`startswith("hello world", "hello")`, `true`},
	{`strcontains("hello world", "wor")`, `true`},
	{`strrev("☃hello")`, `"olleh☃"`},
	{`substr("hello world", 1, 4)`, `"ello"`},
	{`substr("🤔🤷", 0, 1)`, `"🤔"`},
	{`substr("hello world", -5, -1)`, `"world"`},
	{`templatestring("Hi $${n}", {n = "x"})`, `"Hi x"`},
	{`trim("?!hello?!", "!?")`, `"hello"`},
	{`trimprefix("helloworld", "hello")`, `"world"`},
	{`trimsuffix("helloworld", "world")`, `"hello"`},
	{`trimspace("  hello\n\n")`, `"hello"`},

	// Collections.
	{`alltrue(["true", true])`, `true`},
	{`alltrue([])`, `true`},
	{`alltrue([true, false])`, `false`},
	{`anytrue([true, false])`, `true`},
	{`anytrue([])`, `false`},
	{`chunklist(["a", "b", "c", "d", "e"], 2)`, `[["a","b"],["c","d"],["e"]]`},
	{`coalesce("", "b")`, `"b"`},
	{`coalesce(1, 2)`, `1`},
	{`coalesce(null, "a")`, `"a"`},
	{`coalescelist([], ["c", "d"])`, `["c","d"]`},
	{`compact(["a", "", "b", null, "c"])`, `["a","b","c"]`},
	{`concat(["a", ""], ["b", "c"])`, `["a","","b","c"]`},
	{`contains(["a", "b", "c"], "a")`, `true`},
	{`contains(["a", "b", "c"], "d")`, `false`},
	{`distinct(["a", "b", "a", "c", "d", "b"])`, `["a","b","c","d"]`},
	{`element(["a", "b", "c"], 3)`, `"a"`},
	{`element(["a", "b", "c"], -1)`, `"c"`},
	{`element([], 0)`, ``},
	{`flatten([["a", "b"], [], ["c", ["d"]]])`, `["a","b","c","d"]`},
	{`index(["a", "b", "c"], "b")`, `1`},
	{`index(["a"], "z")`, ``},
	{`keys({a = 1, c = 2, d = 3})`, `["a","c","d"]`},
	{`length([])`, `0`},
	{`length("👾🕹️")`, `2`},
	{`length(5)`, ``},
	{`lookup({a = "ay", b = "bee"}, "c", "what?")`, `"what?"`},
	{`lookup({a = "ay"}, "c")`, ``},
	{`lookup({a = "ay", b = 2}, "b")`, `2`},
	{`lookup(tomap({a = "ay"}), "a")`, `"ay"`},
	{`lookup(tomap({a = "ay"}), "c")`, ``},
	{`lookup(tomap({a = "ay"}), "c", 5)`, `"5"`},
	{`lookup(tomap({a = "ay"}), "a", [])`, ``},
	{`lookup({a = "ay"}, "c", null)`, `null`},
	{`lookup({a = "ay"}, "c", 1, 2)`, ``},
	{`lookup(["a"], 0, 1)`, ``},
	{`issensitive(lookup({a = 1, b = sensitive(2)}, "a", 3))`, `false`},
	{`issensitive(lookup({a = 1, b = sensitive(2)}, "b", 3))`, `true`},
	{`issensitive(lookup({a = 1}, sensitive("a"), 3))`, `true`},
	{`issensitive(length([sensitive(1)]))`, `false`},
	{`issensitive(length(sensitive([1])))`, `true`},
	{`matchkeys(["i-123", "i-abc", "i-def"], ["us-west", "us-east", "us-east"], ["us-east"])`, `["i-abc","i-def"]`},
	{`matchkeys(["a"], ["a", "b"], ["a"])`, ``},
	{`matchkeys(["x", "y"], ["1", "2"], [2])`, `["y"]`},
	{`matchkeys(["x", "y"], [1, 2], [[1]])`, ``},
	{`merge({a = "b", c = "d"}, {e = "f", c = "z"})`, `{"a":"b","c":"z","e":"f"}`},
	{`merge({a = "b"}, null)`, `{"a":"b"}`},
	{`one(["x"])`, `"x"`},
	{`one([])`, `null`},
	{`one(["x", "y"])`, ``},
	{`range(3)`, `[0,1,2]`},
	{`range(1, 4)`, `[1,2,3]`},
	{`range(1, 8, 2)`, `[1,3,5,7]`},
	{`range(4, 1)`, `[4,3,2]`},
	{`range(10, 5, -2)`, `[10,8,6]`},
	{`range(2000)`, ``},
	{`reverse([1, 2, 3])`, `[3,2,1]`},
	{`setintersection(["a", "b"], ["b", "c"], ["b", "d"])`, `["b"]`},
	{`setproduct(["d", "s"], ["a1", "a2"])`, `[["d","a1"],["d","a2"],["s","a1"],["s","a2"]]`},
	{`setsubtract(["a", "b", "c"], ["a", "c"])`, `["b"]`},
	{`setunion(["a", "b"], ["b", "c"], ["d"])`, `["a","b","c","d"]`},
	{`slice(["a", "b", "c", "d"], 1, 3)`, `["b","c"]`},
	{`slice(["a"], 0, 2)`, ``},
	{`sort(["e", "d", "a", "x"])`, `["a","d","e","x"]`},
	{`transpose({a = ["1", "2"], b = ["2", "3"]})`, `{"1":["a"],"2":["a","b"],"3":["b"]}`},
	{`values({a = 3, c = 2, d = 1})`, `[3,2,1]`},
	{`zipmap(["a", "b"], [1, 2])`, `{"a":1,"b":2}`},
	{`zipmap(["a"], [1, 2])`, ``},

	// Conversions.
	{`tobool("true")`, `true`},
	{`tobool("yes")`, ``},
	{`tolist(["a", 1])`, `["a","1"]`},
	{`tomap({a = "foo", b = true})`, `{"a":"foo","b":"true"}`},
	{`tonumber("1e3")`, `1000`},
	{`tonumber("x")`, ``},
	{`toset(["c", "b", "b"])`, `["b","c"]`},
	{`setsubtract([3, 1], compact([]))`, `["1","3"]`}, // an empty list of strings has a type
	{`anytrue(matchkeys([5], ["a"], ["b"]))`, ``},
	{`tostring(5.50)`, `"5.5"`},
	{`tostring([])`, ``},
	{`try(tonumber("x"), 7)`, `7`},
	{`can(regex("a", "b"))`, `false`},
	{`try(["a"]...)`, ``},
	{`can(["a"]...)`, ``},

	{`nonsensitive(sensitive("a"))`, `"a"`},
	{`[issensitive(sensitive("a")), issensitive("a"), issensitive(nonsensitive(sensitive("a"))), issensitive([sensitive("a")])]`, `[true,false,false,false]`},

	// Encodings.
	{`base64encode("Hello World")`, `"SGVsbG8gV29ybGQ="`},
	{`base64decode("SGVsbG8gV29ybGQ=")`, `"Hello World"`},
	{`base64decode("/w==")`, ``},
	{`length(base64gzip("test")) > 30`, `true`},
	{`base64gzip("test") == base64gzip("test")`, `true`},
	{`base64gunzip(base64gzip("雷峰塔"))`, `"雷峰塔"`},
	{`base64gunzip("H4sIAAAAAAAA/wAEAPv/aGVsbG8AAAD")`, ``},
	{`base64gunzip("aGVsbG8=")`, ``},
	{`base64gunzip("!")`, ``},
	{`csvdecode("a,b,c\n1,2,3\n4,5,6\n")`, `[{"a":"1","b":"2","c":"3"},{"a":"4","b":"5","c":"6"}]`},
	{`csvdecode("a,a\n1,2\n")`, ``},
	{`jsondecode("{\"hello\": [1, 1.50, true, null]}")`, `{"hello":[1,1.5,true,null]}`},
	{`jsondecode("{")`, ``},
	{`jsonencode({"hello" = "<world>"})`, `"{\"hello\":\"\\u003cworld\\u003e\"}"`},
	{`jsonencode([1, 1.5, "a", null, {b = true}])`, `"[1,1.5,\"a\",null,{\"b\":true}]"`},
	{`textencodebase64("Hello World", "UTF-16LE")`, `"SABlAGwAbABvACAAVwBvAHIAbABkAA=="`},
	{`textdecodebase64("SABlAGwAbABvACAAVwBvAHIAbABkAA==", "UTF-16LE")`, `"Hello World"`},
	{`textencodebase64("雷峰塔", "GBK")`, `"wNe35cv+"`},
	{`textencodebase64("雷", "ISO-8859-1")`, ``},
	{`textencodebase64("a", "no such")`, ``},
	{`textdecodebase64("gQ==", "GBK")`, ``},
	{`urlencode("Hello World&ü")`, `"Hello+World%26%C3%BC"`},
	{`urldecode("Hello+World%26%C3%BC")`, `"Hello World&ü"`},
	{`urldecode("%zz")`, ``},
	{`urldecode("%ff")`, ``},
	{`yamldecode("hello: world\nlist: [1, 2.5, true, ~]\n")`, `{"hello":"world","list":[1,2.5,true,null]}`},
	{`yamldecode("true")`, `true`},
	{`yamldecode("{a: &foo [1], b: *foo}")`, ``},
	{`yamldecode("a: [")`, ``},
	{`yamlencode({a = "b", c = ["d", 1, true, null], e = "x\ny\n"})`, `"\"a\": \"b\"\n\"c\":\n- \"d\"\n- 1\n- true\n- null\n\"e\": |\n  x\n  y\n"`},

	// Hashes and ids.
	{`base64sha256("hello world")`, `"uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="`},
	{`base64sha512("hello world")`, `"MJ7MSJwS1utMxA9QyQLytNDtd+5RGnx6m808qG1M2G+YndNbxf9JlnDaNCVbRbDP2DDoH2Bdz33FVC6TrpzXbw=="`},
	{`md5("hello world")`, `"5eb63bbbe01eeed093cb22bb8f5acdc3"`},
	{`sha1("hello world")`, `"2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"`},
	{`sha256("hello world")`, `"b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"`},
	{`sha512("hello world")`, `"309ecc489c12d6eb4cc40f50c902f2b4d0ed77ee511a7c7a9bcd3ca86d4cd86f989dd35bc5ff499670da34255b45b0cfd830e81f605dcf7dc5542e93ae9cd76f"`},
	{`uuidv5("dns", "www.terraform.io")`, `"a5008fae-b28c-5ba5-96cd-82b4c53552d6"`},
	{`uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.terraform.io")`, `"a5008fae-b28c-5ba5-96cd-82b4c53552d6"`},
	{`uuidv5("url", "https://www.terraform.io/")`, `"9db6f67c-dd95-5ea0-aa5b-e70e5c5f7cf5"`},
	{`uuidv5("nothing", "x")`, ``},

	// Networks.
	{`cidrhost("10.12.112.0/20", 16)`, `"10.12.112.16"`},
	{`cidrhost("10.12.112.0/20", 268)`, `"10.12.113.12"`},
	{`cidrhost("10.12.112.0/20", -1)`, `"10.12.127.255"`},
	{`cidrhost("fd00:fd12:3456:7890:00a2::/72", 34)`, `"fd00:fd12:3456:7890::22"`},
	{`cidrhost("010.00.0.08/24", 4)`, `"10.0.0.4"`},
	{`cidrhost("0x10.0.0.0/8", 4)`, ``},
	{`cidrhost("10.0.0.0/30", 4)`, ``},
	{`cidrhost("10.0.0.0/30", -5)`, ``},
	{`cidrnetmask("172.16.0.0/12")`, `"255.240.0.0"`},
	{`cidrnetmask("0.0.0.0/0")`, `"0.0.0.0"`},
	{`cidrnetmask("fd00::/8")`, ``},
	{`cidrsubnet("172.16.0.0/12", 4, 2)`, `"172.18.0.0/16"`},
	{`cidrsubnet("10.1.2.0/24", 4, 15)`, `"10.1.2.240/28"`},
	{`cidrsubnet("fd00:fd12:3456:7890::/56", 16, 162)`, `"fd00:fd12:3456:7800:a200::/72"`},
	{`cidrsubnet("10.1.2.0/24", 4, 16)`, ``},
	{`cidrsubnet("10.1.2.0/24", 9, 0)`, ``},
	{`cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)`, `["10.1.0.0/20","10.1.16.0/20","10.1.32.0/24","10.1.48.0/20"]`},
	{`cidrsubnets("fd00:fd12:3456:7890::/56", 16, 16, 16, 32)`, `["fd00:fd12:3456:7800::/72","fd00:fd12:3456:7800:100::/72","fd00:fd12:3456:7800:200::/72","fd00:fd12:3456:7800:300::/88"]`},
	{`cidrsubnets("10.0.0.0/31", 1, 1, 1)`, ``},
	{`cidrsubnets("10.0.0.0/8")`, `[]`},
	{`cidrsubnets("10.0.0.0/8", 0)`, ``},
	{`cidrsubnets("fd00::/8", 32)`, `["fd00::/40"]`},
	{`cidrsubnets("fd00::/8", 33)`, ``},
	{`cidrhost("10.0.0.0/08", 1)`, `"10.0.0.1"`},
	{`cidrcontains("192.168.2.0/20", "192.168.2.1")`, `true`},
	{`cidrcontains("192.168.2.0/22", "192.168.4.0/26")`, `false`},
	{`cidrcontains("fd00::/8", "192.168.4.1")`, ``},
	{`cidrcontains("010.0.0.0/8", "10.0.0.008/29")`, `true`},

	// Dates.
	{`formatdate("DD MMM YYYY hh:mm ZZZ", "2018-01-02T23:12:01Z")`, `"02 Jan 2018 23:12 UTC"`},
	{`formatdate("EEEE, DD-MMM-YY hh:mm:ss ZZZ", "2018-01-02T23:12:01-08:00")`, `"Tuesday, 02-Jan-18 23:12:01 -0800"`},
	{`formatdate("h'h'mm", "2018-01-02T23:12:01-08:00")`, `"23h12"`},
	{`timeadd("2017-11-22T00:00:00Z", "10m")`, `"2017-11-22T00:10:00Z"`},
	{`timeadd("x", "10m")`, ``},
	{`timecmp("2017-11-22T01:00:00Z", "2017-11-22T00:00:00-01:00")`, `0`},
	{`cron_next("0 2 * * *", "2026-03-28T12:00:00Z", "Europe/Berlin")`, `"2026-03-29T03:00:00+02:00"`},
	{`cron_next("0 2 * * *", "2026-03-28T12:00:00Z")`, `"2026-03-29T02:00:00Z"`},
	{`cron_next("0 0 30 2 *", "2026-03-28T12:00:00Z")`, `null`},
	{`cron_next("0 25 * * *", "2026-03-28T12:00:00Z")`, ``},
	{`in_zone("2026-03-29T01:00:00Z", "Asia/Shanghai")`, `"2026-03-29T09:00:00+08:00"`},
	{`in_zone("2026-03-29T01:00:00Z", "Asia/Schanghai")`, ``},
	{`date_add("2026-01-31T02:00:00+01:00", 1, "month")`, `"2026-02-28T02:00:00+01:00"`},
	{`date_add("2024-02-29T02:00:00Z", -1, "year")`, `"2023-02-28T02:00:00Z"`},
	{`date_add("2026-03-28T02:00:00+01:00", 1, "day", "Europe/Berlin")`, `"2026-03-29T03:00:00+02:00"`},
	{`date_add("2026-03-28T12:00:00+01:00", 1, "day", "Europe/Berlin")`, `"2026-03-29T12:00:00+02:00"`},
	{`date_add("2026-03-28T12:00:00+01:00", 24, "hours", "Europe/Berlin")`, `"2026-03-29T13:00:00+02:00"`},
	{`date_add("2026-03-28T12:00:00Z", 1.5, "hours")`, ``},
	{`date_add("2026-03-28T12:00:00Z", 1, "fortnight")`, ``},
	{`date_add("2026-03-28T12:00:00Z", 999999999, "hours")`, ``},
	{`date_add("2026-03-28T12:00:00Z", 9999, "years")`, ``},
	{`date_trunc("2026-11-25T09:30:31.5+01:00", "hour")`, `"2026-11-25T09:00:00+01:00"`},
	{`date_trunc("2026-11-25T09:30:31+01:00", "week")`, `"2026-11-23T00:00:00+01:00"`},
	{`date_trunc("2026-11-22T09:30:31+01:00", "weeks")`, `"2026-11-16T00:00:00+01:00"`},
	{`date_trunc("2026-11-25T09:30:31+01:00", "quarter")`, `"2026-10-01T00:00:00+01:00"`},
	{`date_trunc("2026-11-25T22:30:31Z", "day", "Asia/Shanghai")`, `"2026-11-26T00:00:00+08:00"`},
	{`date_trunc("2026-11-25T22:30:31Z", "year")`, `"2026-01-01T00:00:00Z"`},
	// Days without midnight, and clocks that are changed by half an hour.
	{`date_trunc("2018-11-04T12:00:00-02:00", "day", "America/Sao_Paulo")`, `"2018-11-04T01:00:00-02:00"`},
	{`date_trunc("2024-11-03T12:00:00-05:00", "day", "America/Havana")`, `"2024-11-03T00:00:00-04:00"`},
	{`date_trunc("2026-10-03T15:45:00Z", "hour", "Australia/Lord_Howe")`, `"2026-10-04T02:30:00+11:00"`},
	{`date_trunc("2026-11-01T06:45:00Z", "hour", "America/New_York")`, `"2026-11-01T01:00:00-05:00"`},
	{`date_add("2018-11-03T00:00:00-03:00", 1, "day", "America/Sao_Paulo")`, `"2018-11-04T01:00:00-02:00"`},
	{`date_add("2026-03-07T02:30:00-05:00", 1, "day", "America/New_York")`, `"2026-03-08T03:00:00-04:00"`},
	{`date_add("2026-10-31T01:30:00.25-04:00", 1, "day", "America/New_York")`, `"2026-11-01T01:30:00.25-04:00"`},
	{`date_add("2026-11-01T01:30:00-05:00", 0, "day", "America/New_York")`, `"2026-11-01T01:30:00-05:00"`},
	{`date_add("2011-12-29T10:00:00-10:00", 1, "day", "Pacific/Apia")`, `"2011-12-31T00:00:00+14:00"`},

	// Files.
	{`basename("foo/bar/baz.txt")`, `"baz.txt"`},
	{`dirname("foo/bar/baz.txt")`, `"foo/bar"`},
	{`file("./hello.txt")`, `"Hello World"`},
	{`file("../hello.txt")`, ``},
	{`file("nothing")`, ``},
	{`file("sql")`, ``},
	{`file("bytes.bin")`, ``},
	{`filebase64("bytes.bin")`, `"//4="`},
	{`fileexists("hello.txt")`, `true`},
	{`fileexists("nothing")`, `false`},
	{`fileexists("sql")`, ``},
	{`filemd5("hello.txt")`, `"b10a8db164e0754105b7a99be72e3fe5"`},
	{`filesha1("hello.txt") == sha1("Hello World")`, `true`},
	{`filesha256("hello.txt") == sha256("Hello World")`, `true`},
	{`filesha512("hello.txt") == sha512("Hello World")`, `true`},
	{`filebase64sha256("hello.txt") == base64sha256("Hello World")`, `true`},
	{`filebase64sha512("hello.txt") == base64sha512("Hello World")`, `true`},
	{`fileset("sql", "*.sql")`, `["a.sql"]`},
	{`fileset(".", "sql/**/*.{sql,txt}")`, `["sql/a.sql","sql/deep/b.sql","sql/deep/c.txt"]`},
	{`fileset("nothing", "**")`, `[]`},
	{`fileset("..", "**")`, ``},
	{`fileset("hello.txt", "*")`, `[]`},
	{`fileset(".", "[")`, ``},
	{`templatefile("hello.tmpl", {name = "Jodie"})`, `"Hello, Jodie!"`},
	{`templatefile("list.tmpl", {list = ["a", "b"]})`, `"- a\n- b\n"`},
	{`templatefile("value.tmpl", {list = [1, 2]})`, `[1,2]`},
	{`templatefile("hello.tmpl", {})`, ``},
	{`templatefile("self.tmpl", {})`, ``},
	{`templatefile("open.tmpl", {})`, ``},
	{`templatefile("hello.tmpl", {"a b" = 1, name = "x"})`, ``},
	{`templatefile("hello.tmpl", "x")`, ``},
}

// TestTemplateFaults: what is wrong in a template has a place there.
func TestTemplateFaults(t *testing.T) {
	_, err := evaluate(`templatefile("bad.tmpl", {name = "x"})`)
	if err == nil || !strings.Contains(err.Detail, "bad.tmpl:2") || !strings.Contains(err.Detail, `Did you mean "name"`) {
		t.Errorf("got %v", err)
	}
}

// configBombs ask config-time functions for much.
func configBombs() []string {
	return []string{
		`yamldecode(replace(local.big, "x", "["))`,
		`yamldecode(replace(local.big, "x", "- "))`,
		`yamldecode(replace(local.big, "x", "{a: "))`,
		`yamldecode("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n")`,
		`yamlencode([for i in range(1000) : local.big])`,
		`regexall("", local.big)`,
		`regex("(((a{9}){9}){9}){9}", local.big)`,
		`replace(local.big, "/(x)/", "$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1")`,
		`templatefile("loops.tmpl", {n = range(1000)})`,
		`[for i in range(100) : can(templatefile("loops.tmpl", {n = range(1000)}))]`,
		`csvdecode(replace(local.big, "x", "a,\n"))`,
		`setproduct(range(1000), range(1000), range(1000))`,
		`[for i in range(1000) : fileset(".", "**")]`,
		`textencodebase64(local.big, "UTF-32")`,
		`base64gzip(local.big)`,
		`[for i in range(100) : length(base64gunzip(base64gzip(local.big)))]`,
		`[for i in range(1000) : [for j in range(1000) : length(range(1000))]]`,
		`[for i in range(1000) : try(pow(10, 1000), ceil(pow(2, 1000000)), "1e600000000" % 7, i)]`,
	}
}

func TestConfigBombs(t *testing.T) {
	for _, source := range configBombs() {
		boundedConfig(t, source)
	}
}

// boundedConfig: config time may take more than run time, but not without bound.
func boundedConfig(tb testing.TB, source string) {
	tb.Helper()
	const most = 1 << 30 // in all, most of it garbage at once
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := evaluate(source)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		tb.Errorf("%.80s: %d MiB allocated", source, n>>20)
	}
	if err != nil && strings.Contains(err.Detail, "defect") {
		tb.Errorf("%.80s: %v", source, err)
	}
}

func FuzzFunctions(f *testing.F) {
	for _, tc := range vectors {
		f.Add(tc.source)
	}
	for _, source := range configBombs() {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) < 4096 && !strings.ContainsAny(source, "\x00") {
			boundedConfig(t, source)
		}
	})
}
