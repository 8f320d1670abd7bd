package tree_test

import (
	"strings"
	"testing"

	"github.com/leifengta/lft/lang/tree"
)

const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestCheck(t *testing.T) {
	file := func(paths ...string) (files []tree.File) {
		for _, p := range paths {
			files = append(files, tree.File{Path: p, SHA256: sum})
		}
		return files
	}
	for _, tc := range []struct {
		files []tree.File
		want  string // in the error; "" = none
	}{
		{nil, ""},
		{file("a", "b/c", "b/d e", "ü"), ""},
		{file("a", "a-b", "a/b"), "both a file and a folder"},
		{file("a", "a"), "not in order"},
		{file("b", "a"), "not in order"},
		{file("/etc/passwd"), "no relative path"},
		{file("../x"), "no relative path"},
		{file("a/../../x"), "no relative path"},
		{file("."), "no relative path"},
		{file(""), "no relative path"},
		{file("a//b"), "no relative path"},
		{file("a/"), "no relative path"},
		{file("a\x00b"), "cannot be seen"},
		{file("a\nb"), "cannot be seen"},
		{file("a\u202eb"), "cannot be seen"},
		{file("a\xffb"), "not UTF-8"},
		{file(strings.Repeat("n", 256)), "more than 255"},
		{file(strings.Repeat("n/", 600) + "n"), "more than 1024"},
		{[]tree.File{{Path: "a", SHA256: sum[1:]}}, "no size or no sum"},
		{[]tree.File{{Path: "a", SHA256: strings.ToUpper(sum)}}, "no size or no sum"},
		{[]tree.File{{Path: "a", SHA256: sum, Size: -1}}, "no size or no sum"},
	} {
		err := tree.Check(tc.files)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%.200v: %v, want %q", tc.files, err, tc.want)
		}
	}
}

// The digest is in states and buckets for ever.
func TestDigest(t *testing.T) {
	files := []tree.File{{Path: "a.sh", Executable: true, Size: 0, SHA256: sum}, {Path: "b", SHA256: sum}}
	const want = "bbf2ddc8d8620eddb1a6d624bdfbe37963449da1fbd75181ae5e496a28dbab53"
	if got := tree.Digest(files); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	files[1].Executable = true
	if tree.Digest(files) == want {
		t.Error("the executable bit has no part in the digest")
	}
}
