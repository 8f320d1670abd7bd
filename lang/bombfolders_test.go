package lang_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/diag"
)

// bomb is a folder that asks for much, with the finding that ends it; "" is none.
type bomb struct {
	files map[string]string
	code  string
}

func nested(levels, blocks int, more string) map[string]string {
	files := map[string]string{}
	for i := range levels {
		text := ""
		for j := range blocks {
			text += fmt.Sprintf("module \"m%d\" {\n  source = \"%s\"\n%s}\n", j, map[bool]string{true: "./l1", false: fmt.Sprintf("../l%d", i+1)}[i == 0], more)
		}
		name := "main.hcl"
		if i > 0 {
			name = fmt.Sprintf("l%d/main.hcl", i)
		}
		files[name] = text
	}
	files[fmt.Sprintf("l%d/main.hcl", levels)] = "flow \"f\" {}\n"
	return files
}

func one(name, text string) map[string]string { return map[string]string{name: text} }

// mostInFolder is for a folder that comes near the bounds of a project.
const mostInFolder = 3 << 30

// folderBombs are folders of several files, and files in JSON.
func folderBombs() map[string]bomb {
	const each = "  for_each = toset([for i in range(%d) : tostring(i)])\n"
	laughs := map[string]string{"main.hcl": "module \"m0\" {\n  source = \"./m\"\n  in = [1, 2, 3]\n}\n", "m/main.hcl": "variable \"in\" {}\noutput \"out\" { value = [for i in range(10) : var.in] }\n"}
	locals := ""
	for i := range 1000 {
		locals += fmt.Sprintf("  l%d = %d\n", i, i)
	}
	cycle := ""
	for i := range 500 {
		laughs["main.hcl"] += fmt.Sprintf("module \"m%d\" {\n  source = \"./m\"\n  in = module.m%d.out\n}\n", i+1, i)
		cycle += fmt.Sprintf("module \"m%d\" {\n  source = \"./m\"\n  in = module.m%d.out\n}\n", i, (i+1)%500)
	}
	dynamic := func(n, m int) string {
		return fmt.Sprintf("flow \"f\" {\n  dynamic \"job\" {\n    for_each = range(%d)\n    iterator = i\n    labels   = [\"noop\", \"j${i.value}\"]\n    content {\n      dynamic \"output\" {\n        for_each = range(%d)\n        labels   = [\"o${output.value}\"]\n        content { type = string }\n      }\n    }\n  }\n}\n", n, m)
	}
	attributes := make([]string, 60_000)
	for i := range attributes {
		attributes[i] = fmt.Sprintf("\"l%d\":\"é${%d}\"", i, i%10)
	}
	deep := func(open, x, shut string, n int) string {
		return strings.Repeat(open, n) + x + strings.Repeat(shut, n)
	}
	value := func(x string) string { return `{"locals": {"a": ` + x + "}}" }
	return map[string]bomb{
		"modules in modules":    {nested(12, 10, ""), lang.CodeLimit},
		"modules too deep":      {nested(40, 1, ""), lang.CodeLimit},
		"for_each of modules":   {nested(4, 1, fmt.Sprintf(each, 100)), lang.CodeLimit},
		"module of itself":      {one("main.hcl", "module \"m\" { source = \"./\" }\n"), lang.CodeCycle},
		"laughs by modules":     {laughs, lang.CodeLimit},
		"cycle of modules":      {map[string]string{"main.hcl": cycle, "m/main.hcl": laughs["m/main.hcl"]}, lang.CodeCycle},
		"values of modules":     {map[string]string{"main.hcl": nested(1, 1500, "")["main.hcl"], "l1/main.hcl": "locals {\n" + locals + "}\n"}, lang.CodeLimit},
		"dynamic in dynamic":    {one("main.hcl", dynamic(1000, 1000)), lang.CodeLimit},
		"dynamic alone":         {one("main.hcl", strings.Replace(dynamic(1, 1), "range(1)", "range(100000)", 1)), lang.CodeExpression},
		"dynamic jobs":          {one("main.hcl", "flow \"g\" {\n  for_each = toset([for i in range(1000) : tostring(i)])\n  dynamic \"job\" {\n    for_each = range(1000)\n    labels   = [\"noop\", \"j${job.value}\"]\n    content {}\n  }\n}\n"), lang.CodeLimit},
		"JSON arrays":           {one("a.lft.json", value(deep("[", "1", "]", 400_000))), lang.CodeLimit},
		"JSON objects":          {one("a.lft.json", deep(`{"flow":`, "1", "}", 80_000)), lang.CodeLimit},
		"JSON unclosed":         {one("a.lft.json", strings.Repeat("[", 150)), lang.CodeSyntax},
		"JSON template":         {one("a.lft.json", value(`"`+deep(`${\"`, "1", `\"}`, 50_000)+`"`)), lang.CodeLimit},
		"JSON brackets":         {one("a.lft.json", value(`"${`+deep("[", "1", "]", 100_000)+`}"`)), lang.CodeLimit},
		"JSON reference":        {one("a.lft.json", `{"flow":{"f":{"job":{"noop":{"a":{"after":"`+deep("[", "1", "]", 100_000)+`"}}}}}}`), lang.CodeLimit},
		"JSON escapes":          {one("a.lft.json", value(`"`+strings.Repeat(`\n\"\u0041${1}`, 50_000)+`"`)), ""},
		"JSON line":             {one("a.lft.json", `{"locals":{`+strings.Join(attributes[:20_000], ",")+"}}"), ""},
		"JSON too large":        {one("a.lft.json", `{"locals":{`+strings.Join(attributes, ",")+"}}"), lang.CodeLimit},
		"JSON doubles":          {one("a.lft.json", `{"locals":{`+strings.Repeat(`"a":1,`, 100_000)+`"a":1}}`), lang.CodeSyntax},
		"JSON blocks":           {one("a.lft.json", `{"flow":[`+strings.Repeat(`{"f":{}},`, 100_000)+`{"f":{}}]}`), lang.CodeDuplicate},
		"JSON number":           {one("a.lft.json", value("1e999999999")), lang.CodeExpression},
		"JSON digits":           {one("a.lft.json", value("1"+strings.Repeat("0", 500_000))), lang.CodeSyntax},
		"JSON half":             {one("a.lft.json", value(`"\ud800"`)), lang.CodeSyntax},
		"JSON NUL":              {one("a.lft.json", "{\"locals\":\x00{}}"), lang.CodeEncoding},
		"JSON NUL escaped":      {one("a.lft.json", `{"flow":{"f\u0000":{}}}`), lang.CodeName},
		"JSON invalid":          {one("a.lft.json", "{\"locals\":{\"a\":\"\xff\"}}"), lang.CodeEncoding},
		"JSON mark":             {one("a.lft.json", "{\"flow\":{\"f\u202e\":{}}}"), lang.CodeEncoding},
		"JSON mark escaped":     {one("a.lft.json", `{"flow":{"f\u202e":{}}}`), lang.CodeName},
		"JSON BOM":              {one("a.lft.json", "\ufeff{\"flow\":{\"f\":{}}}"), ""},
		"JSON CRLF":             {one("a.lft.json", "{\r\n\"flow\":\r\n{\"f\":{}}}\r\n"), ""},
		"JSON UTF-16":           {one("a.lft.json", "\xff\xfe{\x00}\x00"), lang.CodeEncoding},
		"JSON variables":        {map[string]string{"main.hcl": "variable \"a\" {}\nflow \"f\" {}\n", "lft.vars.json": `{"a":` + deep("[", "1", "]", 300_000) + "}"}, lang.CodeLimit},
		"variables too deep":    {map[string]string{"main.hcl": "variable \"a\" {}\nflow \"f\" {}\n", "lft.vars": "a = " + deep("[", "1", "]", 300_000) + "\n"}, lang.CodeLimit},
		"CRLF in a module":      {map[string]string{"main.hcl": "module \"m\" {\r\n  source = \"./m\"\r\n}\r\n", "m/main.hcl": "flow \"f\" {}\r\n"}, ""},
		"source with a mark":    {one("main.hcl", "module \"m\" { source = \"./\\u202em\" }\n"), lang.CodeSource},
		"source with a NUL":     {one("main.hcl", "module \"m\" { source = \"./a\\u0000b\" }\n"), lang.CodeSource},
		"source of many levels": {one("main.hcl", "module \"m\" { source = \"./"+strings.Repeat("a/", 100_000)+"\" }\n"), lang.CodeSource},
		"module NUL":            {map[string]string{"main.hcl": "module \"m\" { source = \"./m\" }\n", "m/main.hcl": "flow \"f\" {\x00}\n"}, lang.CodeEncoding},
	}
}

func TestFolderBombs(t *testing.T) {
	for name, b := range folderBombs() {
		t.Run(name, func(t *testing.T) {
			list := harmlessFolder(t, b.files)
			if b.code == "" && !list.HasErrors() || slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == b.code }) {
				return
			}
			t.Errorf("got %.600s, want %q", render(list[:min(3, len(list))]), b.code)
		})
	}
}

func harmlessFolder(tb testing.TB, files map[string]string) diag.List {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	bundle, list := lang.Load(folder(files), lang.Options{JobTypes: jobTypes(), Version: "1.2.3"})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > mostInFolder {
		tb.Errorf("%d MiB allocated", n>>20)
	}
	if (bundle == nil) != list.HasErrors() {
		tb.Errorf("a bundle: %v; findings: %s", bundle != nil, render(list))
	}
	for _, d := range list {
		if d.Code == lang.CodeInternal || strings.Contains(d.Detail, "defect") {
			tb.Errorf("%s: %s", d.Summary, d.Detail)
		}
		if d.Range.File == "" && d.Code != lang.CodeLimit && d.Code != lang.CodeVariable {
			tb.Errorf("%s: %s: has no place", d.Code, d.Summary)
		}
	}
	return list
}

// FuzzJSON loads files in JSON.
func FuzzJSON(f *testing.F) {
	for _, b := range folderBombs() {
		if text, ok := b.files["a.lft.json"]; ok && len(text) < 10_000 {
			f.Add(text)
		}
	}
	f.Add(`{"flow":{"f":{"param":{"p":{"type":"list(string)"}},"job":{"shell":{"a":{"for_each":{"x":1},"command":["${each.key}","${param.p[0]} \"${upper(\"x\")}\""],"after":["job.b"]},"b":{"command":["x"],"output":{"n":{"type":"number"}}}}},"dynamic":{"job":{"for_each":[1],"labels":["noop","c"],"content":{}}}}},"schedule":{"s":{"flow":"${flow.f}","cron":"0 2 * * *"}},"//":0}`)
	f.Fuzz(func(t *testing.T, text string) { harmlessFolder(t, map[string]string{"a.lft.json": text}) })
}

// FuzzVariables loads files of variables, in both syntaxes.
func FuzzVariables(f *testing.F) {
	f.Add("a = \"x\"\nb = [1, 2]\nc = { x = true }\n", `{"a": "${x}", "b": [1], "c": {"x": null}}`)
	f.Add("a = var.b\n", "[]")
	f.Fuzz(func(t *testing.T, native, json string) {
		harmlessFolder(t, map[string]string{
			"main.hcl": "variable \"a\" { default = \"\" }\nvariable \"b\" {\n  type = list(number)\n  default = []\n}\nvariable \"c\" {\n  type = object({ x = optional(bool, true) })\n  default = {}\n}\nflow \"f\" { description = \"${var.a} ${length(var.b)} ${var.c.x}\" }\n",
			"lft.vars": native, "x.auto.vars.json": json,
		})
	})
}

// FuzzModule loads two folders that use each other's values.
func FuzzModule(f *testing.F) {
	f.Add("module \"m\" {\n  source = \"./m\"\n  in = 1\n}\nflow \"f\" { description = module.m.out }\n", "variable \"in\" {}\noutput \"out\" { value = \"${var.in}\" }\n")
	f.Add("module \"m\" {\n  source = \"./m\"\n  for_each = { a = module.n.x }\n  in = each.value\n}\nmodule \"n\" { source = \"./m\" }\n", "variable \"in\" { default = 1 }\noutput \"x\" { value = flow.f }\nflow \"f\" {\n  dynamic \"job\" {\n    for_each = [var.in]\n    labels = [\"noop\", \"a\"]\n    content {}\n  }\n}\n")
	f.Fuzz(func(t *testing.T, top, module string) {
		harmlessFolder(t, map[string]string{"main.hcl": top, "m/main.hcl": module})
	})
}
