package lang_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang"
)

// pieces are blocks that need each other, whatever file they stand in.
var pieces = []string{
	"locals { a = \"${var.v}-${local.b}\" }\n",
	"  locals { b = \"b\" }\n", // an indented line hides what it starts
	"variable \"v\" { default = \"x\" }\n",
	"pool \"p\" { slots = 1 }\n",
	"flow \"f\" {\n  description = local.a\n  job \"shell\" \"j\" {\n    command = [\"x\"]\n    pool    = pool.p\n  }\n}\n",
	"flow \"g\" { description = local.b }\n",
	"flow \"h\" {}\n",
	"schedule \"s\" {\n  flow  = flow.g\n  every = \"1m\"\n}\n",
}

// TestFilesDoNotMatter: how blocks are spread over files changes nothing.
func TestFilesDoNotMatter(t *testing.T) {
	want, list := load(strings.Join(pieces, ""))
	if want == nil {
		t.Fatal(render(list))
	}
	want.Positions = nil
	rapid.Check(t, func(t *rapid.T) {
		files := map[string]string{}
		for _, piece := range rapid.Permutation(pieces).Draw(t, "order") {
			name := rapid.SampledFrom([]string{"a.hcl", "b.hcl", "c.hcl", "d.hcl"}).Draw(t, "file")
			files[name] += piece
		}
		got, list := lang.Load(folder(files), lang.Options{JobTypes: jobTypes()})
		if got == nil {
			t.Fatalf("%v: %s", files, render(list))
		}
		got.Positions = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%v: %s", files, diff)
		}
	})
}

// TestFaultsInManyFiles: of broken files only that is said, but of all of them;
// doubles are found across files.
func TestFaultsInManyFiles(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"two broken", map[string]string{"a.hcl": "flow \"f\" {\n", "b.hcl": "locals { a = local.none }\n", "c.hcl": "pool {{\n"}, []string{"a.hcl syntax", "c.hcl syntax"}},
		{"doubles", map[string]string{"a.hcl": "flow \"f\" {}\n", "b.hcl": "flow \"f\" {}\n", "c.hcl": "pool \"p\" { slots = 1 }\n"}, []string{"b.hcl duplicate"}},
		{"doubles in one", map[string]string{"a.hcl": "flow \"f\" {}\nflow \"f\" {}\n", "c.hcl": "pool \"p\" { slots = 1 }\n"}, []string{"a.hcl duplicate"}},
		{"JSON", map[string]string{"a.lft.json": "{", "b.hcl": "flow \"f\" {}\n"}, []string{"a.lft.json syntax"}},
		{"nothing", map[string]string{"readme.md": ""}, []string{" read"}},
		{"hidden", map[string]string{".lft.lock.hcl": "lineage = \"x\"\n", "a.hcl": "flow \"f\" {}\n"}, nil},
		{"labels", map[string]string{"a.hcl": "flow {}\n", "c.hcl": "pool \"p\" { slots = 1 }\n"}, []string{"a.hcl missing"}},
	} {
		_, list := lang.Load(folder(tc.files), lang.Options{})
		var got []string
		for _, d := range list {
			got = append(got, d.Range.File+" "+d.Code)
		}
		if got = slices.Compact(got); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q\n%s", tc.name, got, tc.want, render(list))
		}
	}
}

// TestSameTwice: findings come in one order, whichever goroutine was faster.
func TestSameTwice(t *testing.T) {
	files := map[string]string{"v.hcl": "variable \"v\" {}\n"}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		files[name+".hcl"] = "flow \"" + name + "\" {\n  descriptio = 1\n  job \"shel\" \"x\" {}\n}\n"
	}
	_, first := lang.Load(folder(files), lang.Options{JobTypes: jobTypes()})
	for range 20 {
		_, again := lang.Load(folder(files), lang.Options{JobTypes: jobTypes()})
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestFile reads files of the folder.
func TestFile(t *testing.T) {
	fsys := folder(map[string]string{
		"main.hcl": "locals { text = file(\"./sub/a.txt\") }\nflow \"f\" { description = \"${local.text}${fileexists(\"none\")}${fileexists(\"sub/a.txt\")}\" }\n", "sub/a.txt": "hé\n",
	})
	bundle, list := lang.Load(fsys, lang.Options{})
	if bundle == nil || bundle.Flows[0].Description != "hé\nfalsetrue" {
		t.Errorf("%+v %s", bundle, render(list))
	}
	fsys["sub/a.txt"] = &fstest.MapFile{Data: []byte("\xff")}
	if _, list := lang.Load(fsys, lang.Options{}); !strings.Contains(render(list), `file "sub/a.txt" is not UTF-8 text`) {
		t.Error(render(list))
	}
}
