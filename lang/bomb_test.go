package lang_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/diag"
)

// bombs are files that ask for much, or look like what they are not.
func bombs() map[string]string {
	flow := func(body string) string { return "flow \"f\" {\n" + body + "\n}\n" }
	local := func(x string) string { return "locals {\n  a = " + x + "\n}\n" }
	deep := func(open, x, shut string, n int) string {
		return strings.Repeat(open, n) + x + strings.Repeat(shut, n)
	}
	laughs := "locals {\n  l0 = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
	for i := range 30 {
		refs := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("local.l%d, ", i), 10), ", ")
		laughs += fmt.Sprintf("  l%d = [%s]\n", i+1, refs)
	}
	cycle := ""
	for i := range 2000 {
		cycle += fmt.Sprintf("job \"noop\" \"j%d\" { after = [job.j%d] }\n", i, (i+1)%2000)
	}
	localCycle := "locals {\n"
	for i := range 5000 {
		localCycle += fmt.Sprintf("  l%d = local.l%d\n", i, (i+1)%5000)
	}
	return map[string]string{
		"brackets":         local(deep("[", "1", "]", 100_000)),
		"parentheses":      local(deep("(", "1", ")", 100_000)),
		"objects":          local(deep("{ a = ", "1", " }", 50_000)),
		"quotes":           local(deep(`"${`, "1", `}"`, 50_000)),
		"calls":            local(deep("abs(", "1", ")", 50_000)),
		"loops":            local(deep("[for x in ", "[]", " : x]", 20_000)),
		"directives":       local(`"` + deep("%{ if true }", "", "%{ endif }", 20_000) + `"`),
		"blocks":           deep("a {\n", "", "}\n", 50_000),
		"not":              local(strings.Repeat("!", 500_000) + "true"),
		"minus":            local(strings.Repeat("-", 500_000) + "1"),
		"conditionals":     local(strings.Repeat("true ? 1 : ", 50_000) + "1"),
		"sums":             local(strings.Repeat("1 + ", 100_000) + "1"),
		"indexes":          local("local.b" + strings.Repeat("[0]", 100_000)),
		"splats":           local("local.b" + strings.Repeat("[*]", 100_000)),
		"heredoc":          local("<<EOT\n" + strings.Repeat("${", 10_000) + "\nEOT\n"),
		"unclosed":         local(strings.Repeat("[", 150)),
		"unclosed quote":   "a = \"",
		"laughs":           laughs + "}\n",
		"loops of ranges":  local("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]"),
		"replace":          local(deep("replace(", `"aaaaaaaaaa"`, `, "a", "aaaaaaaaaa")`, 12)),
		"regexp":           local(`regexall("(a*)*b|(((.?)?)?)*", join("", [for i in range(1000) : "aaaaaaaaaaaaaaaaaaaa"]))`),
		"regexp replace":   local(`replace(join("", [for i in range(1000) : "aaaaaaaaaa"]), "/a*/", "$0$0$0$0$0$0$0$0$0$0$0$0$0")`),
		"product":          local("setproduct(range(1000), range(1000), range(1000))"),
		"csv":              local(`csvdecode(join("", [for i in range(1000) : "` + strings.Repeat("a,", 300) + `\n"]))`),
		"many types":       local(`true ? [for i in range(1000) : i % 2 == 0 ? [i] : {a = i}] : []`),
		"big list":         local("tolist([" + strings.Repeat("1, \"a\", ", 50_000) + "])"),
		"job cycle":        flow(cycle),
		"local cycle":      localCycle + "}\n",
		"nested for_each":  "flow \"f\" {\n  for_each = toset([for i in range(1000) : tostring(i)])\n  job \"noop\" \"j\" { for_each = toset([for i in range(1000) : tostring(i)]) }\n}\n",
		"all to all":       flow("job \"noop\" \"a\" { for_each = toset([for i in range(400) : tostring(i)]) }\njob \"noop\" \"b\" {\n for_each = toset([for i in range(400) : tostring(i)])\n after = [job.a]\n}"),
		"bom":              "\ufeffflow \"f\" {}\n",
		"crlf":             "flow \"f\" {\r\n  description = \"x\"\r\n}\r\n",
		"utf-16":           "\xff\xfef\x00l\x00o\x00w\x00",
		"invalid":          "flow \"f\" { description = \"\xff\" }\n",
		"nul":              "flow \"f\" {\x00}\n",
		"mark":             "flow \"f\u202e\" {}\n",
		"mark in comment":  "# \u2066\nflow \"f\" {}\n",
		"zero width":       "flow \"f\u200b\" {}\n",
		"number":           local("1e999999999999"),
		"large number":     local(`"${1e1000000}"`),
		"run-time bomb":    flow("param \"p\" { type = string }\njob \"shell\" \"a\" { command = [" + deep("replace(", "param.p", `, "a", "aaaaaaaaaa")`, 9) + "] }"),
		"run-time depth":   flow("param \"p\" { type = string }\njob \"shell\" \"a\" { command = [" + deep("upper(", "param.p", `)`, 100) + "] }"),
		"too large":        "# " + strings.Repeat("x", 1<<20) + "\n",
		"file of a folder": local(`file(".")`),
		"file outside":     local(`file("../secret")`),
		"file absolute":    local(`file("/etc/passwd")`),
	}
}

// mostAllocated is for a folder of one file; what a plan needs is measured in
// bench_test.go.
const mostAllocated = 3 << 29

// refused are the findings of those that would take the process down, or fool a
// reader.
func refused() map[string]string {
	return map[string]string{
		"brackets": lang.CodeLimit, "quotes": lang.CodeLimit, "not": lang.CodeLimit, "blocks": lang.CodeLimit, "directives": lang.CodeLimit, "conditionals": lang.CodeLimit,
		"laughs": lang.CodeLimit, "loops of ranges": lang.CodeLimit, "replace": lang.CodeLimit, "job cycle": lang.CodeCycle, "local cycle": lang.CodeCycle,
		"all to all": lang.CodeLimit, "nested for_each": lang.CodeLimit, "utf-16": lang.CodeEncoding, "invalid": lang.CodeEncoding, "nul": lang.CodeEncoding,
		"mark": lang.CodeEncoding, "mark in comment": lang.CodeEncoding, "zero width": lang.CodeName, "too large": lang.CodeLimit, "run-time depth": lang.CodeLimit,
		"file outside": lang.CodeExpression, "file absolute": lang.CodeExpression, "run-time bomb": "", "bom": "", "crlf": "",
	}
}

func TestBombs(t *testing.T) {
	want := refused()
	for name, text := range bombs() {
		t.Run(name, func(t *testing.T) {
			list := harmless(t, text)
			code, ok := want[name]
			delete(want, name)
			if !ok || slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == code }) || code == "" && !list.HasErrors() {
				return
			}
			t.Errorf("got %.300s, want %q", render(list), code)
		})
	}
	for name := range want {
		t.Errorf("no such bomb: %s", name)
	}
}

func harmless(tb testing.TB, text string) diag.List {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	bundle, list := load(text)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > mostAllocated {
		tb.Errorf("%d MiB allocated", n>>20)
	}
	if (bundle == nil) != list.HasErrors() {
		tb.Errorf("a bundle: %v; findings: %s", bundle != nil, render(list))
	}
	for _, d := range list {
		if d.Code == lang.CodeInternal || strings.Contains(d.Detail, "defect") {
			tb.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return list
}

func FuzzLoad(f *testing.F) {
	for name, text := range bombs() {
		if len(text) < 10_000 && name != "nested for_each" && name != "loops of ranges" {
			f.Add(text)
		}
	}
	for _, pattern := range []string{"testdata/good/*.hcl", "testdata/bad/*.hcl"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("no seeds: %v", err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Add(variablesFolder)
	f.Add("flow \"f\" {\n  param \"p\" { type = list(string) }\n  defaults { retry { attempts = 2 } }\n  job \"shell\" \"a\" {\n    for_each = { x = 1 }\n    command = [each.key, param.p[0], try(job.b.output.n, 1)]\n  }\n  job \"shell\" \"b\" {\n    command = [\"x\"]\n    output \"n\" { type = number }\n  }\n}\nschedule \"s\" {\n  flow = flow.f\n  cron = \"0 2 * * *\"\n}\npool \"p\" { slots = 1 }\n")
	f.Fuzz(func(t *testing.T, text string) {
		harmless(t, text)
	})
}
