package tree_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/tree"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

func program(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o755} }

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

func paths(files []tree.File) []string {
	names := []string{}
	for _, f := range files {
		name := f.Path
		if f.Executable {
			name += "*"
		}
		names = append(names, name)
	}
	return names
}

func TestRead(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fsys    fstest.MapFS
		want    []string
		refused []string
	}{
		{"plain", fstest.MapFS{"s/b/x": file("x"), "s/a.sh": program("a"), "s/b.txt": file(""), "other": file("")}, []string{"a.sh*", "b.txt", "b/x"}, nil},
		{"empty", fstest.MapFS{"s": {Mode: fs.ModeDir}}, []string{}, nil},
		{"links inside", fstest.MapFS{"s/a/x": program("x"), "s/l": link("a/x"), "s/d": link("a"), "s/b/up": link("../a/x")}, []string{"a/x*", "b/up*", "d/x*", "l*"}, nil},
		{"a chain of links", fstest.MapFS{"s/x": file("x"), "s/l1": link("l2"), "s/l2": link("./l3"), "s/l3": link("x")}, []string{"l1", "l2", "l3", "x"}, nil},
		{"the folder is a link", fstest.MapFS{"s": link("real"), "real/x": file("")}, []string{"x"}, nil},
		{"out by a link", fstest.MapFS{"s/l": link("../other"), "other": file("")}, nil, []string{`"l": it is a link to ../other, and links must stay in the folder`}},
		{"out by an absolute link", fstest.MapFS{"s/l": link("/etc/passwd")}, nil, []string{`"l": it is a link to /etc/passwd, and links must stay in the folder`}},
		{"out and in again", fstest.MapFS{"s/l": link("../s/x"), "s/x": file("")}, []string{"l", "x"}, nil},
		{"out behind a link", fstest.MapFS{"s/l": link("d/out"), "s/d": link("e"), "s/e/out": link("../../other"), "other": file("")}, nil, []string{
			`"d/out": it is a link to ../../other`, `"e/out": it is a link to ../../other`, `"l": it is a link to ../../other`,
		}},
		{"nothing behind a link", fstest.MapFS{"s/l": link("none")}, nil, []string{`"l": there is no file "s/none"`}},
		{"a link to itself", fstest.MapFS{"s/l": link("l")}, nil, []string{`"l": there are too many links to follow`}},
		{"a link to a folder around", fstest.MapFS{"s/a/l": link("../a"), "s/a/x": file("")}, nil, []string{`"a/l" is a link to a folder that it lies in`}},
		{"no file at all", fstest.MapFS{"s/pipe": {Mode: fs.ModeNamedPipe}, "s/socket": {Mode: fs.ModeSocket}, "s/disk": {Mode: fs.ModeDevice}}, nil, []string{
			`"disk" is neither a file nor a folder`, `"pipe" is neither`, `"socket" is neither`,
		}},
		{"a name with a line break", fstest.MapFS{"s/a\nb": file("")}, nil, []string{"cannot be seen"}},
		{"not there", fstest.MapFS{"x": file("")}, nil, []string{`there is no file "s"`}},
		{"ignored", fstest.MapFS{
			"s/.lftignore": file("# comment\n*.pyc\n/build/\n!keep.pyc\n"), "s/a.pyc": file(""), "s/keep.pyc": file(""), "s/build/x": file(""), "s/sub/build/x": file(""), "s/sub/.lftignore": file(""),
		}, []string{"keep.pyc", "sub/.lftignore", "sub/build/x"}, nil},
		{"ignored faults", fstest.MapFS{"s/.lftignore": file("l\npipe\n"), "s/l": link("../x"), "s/pipe": {Mode: fs.ModeNamedPipe}, "x": file("")}, []string{}, nil},
		{"a bad pattern", fstest.MapFS{"s/.lftignore": file("a\n[\n")}, nil, []string{`.lftignore, line 2: "[" is no pattern`}},
		{"an ignore file elsewhere", fstest.MapFS{"s/.lftignore": link("../x"), "x": file("")}, nil, []string{".lftignore is not a regular file"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files, refused := tree.Read(tc.fsys, "s")
			if len(refused) != len(tc.refused) {
				t.Fatalf("refused: %q, want %q", refused, tc.refused)
			}
			for i, want := range tc.refused {
				if !strings.Contains(refused[i].Error(), want) {
					t.Errorf("refused: %q, want %q", refused[i], want)
				}
			}
			if tc.refused != nil {
				return
			}
			if diff := cmp.Diff(tc.want, paths(files)); diff != "" {
				t.Error(diff)
			}
			if err := tree.Check(files); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadPlaces(t *testing.T) {
	fsys := fstest.MapFS{"a/b/x": file("x")}
	for root, want := range map[string]string{".": "", "a/b/": "", "a/../a": "", "..": "not in the folder", "/a": "not in the folder", "a/../..": "not in the folder", "a/b/x": "not a directory"} {
		_, refused := tree.Read(fsys, root)
		if got := fmt.Sprint(refused); want == "" && refused != nil || want != "" && !strings.Contains(got, want) && !strings.Contains(got, "cannot be read") {
			t.Errorf("%s: %s, want %q", root, got, want)
		}
	}
}

func TestTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range tree.MaxFiles + 1 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, refused := tree.Read(os.DirFS(dir), ".")
	if len(refused) != 1 || !strings.Contains(refused[0].Error(), "more than 5000 files; pack them into an archive") {
		t.Errorf("%q", refused)
	}
	if err := os.Remove(filepath.Join(dir, "0")); err != nil {
		t.Fatal(err)
	}
	if files, refused := tree.Read(os.DirFS(dir), "."); len(files) != tree.MaxFiles {
		t.Errorf("%d files, %q", len(files), refused)
	}
}

func TestReadFile(t *testing.T) {
	fsys := fstest.MapFS{"a/x.jar": program("x"), "l": link("a/x.jar"), "out": link("../x"), "d": {Mode: fs.ModeDir}}
	for name, want := range map[string]string{"a/x.jar": "[x.jar*]", "l": "[l*]", "out": "links must stay", "d": "is no file", "none": "there is no file", ".": "is no file", "../x": "not in the folder"} {
		files, err := tree.ReadFile(fsys, name)
		if got := fmt.Sprint(paths(files), err); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestDigestSays: a tree on a disk has the digest of its paths, executable bits
// and contents, and of nothing else.
func TestDigestSays(t *testing.T) {
	base := t.TempDir()
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab]{1,2}(/[ab]{1,2}){0,2}\.[xy]`), 1, 6, rapid.ID[string]).Draw(t, "names")
		contents := map[string]string{}
		for _, name := range names {
			contents[name] = rapid.SampledFrom([]string{"", "1", "2", "x1"}).Draw(t, "content")
		}
		digest := func(contents map[string]string, when time.Time) string {
			number++
			dir := filepath.Join(base, fmt.Sprint(number))
			for _, name := range slices.Sorted(maps.Keys(contents)) {
				text, mode := contents[name], fs.FileMode(0o644)
				if strings.HasPrefix(text, "x") {
					mode = 0o700
				}
				to := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(to, []byte(strings.TrimPrefix(text, "x")), mode); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(to, when, when); err != nil {
					t.Fatal(err)
				}
			}
			files, refused := tree.Read(os.DirFS(dir), ".")
			if refused != nil {
				t.Fatal(refused)
			}
			return tree.Digest(files)
		}
		now := time.Unix(1_700_000_000, 0)
		want := digest(contents, now)
		if got := digest(contents, now.Add(time.Hour)); got != want {
			t.Fatal("a time is in the digest")
		}
		changed := maps.Clone(contents)
		name := rapid.SampledFrom(names).Draw(t, "changed")
		switch rapid.SampledFrom([]string{"content", "mode", "path", "gone"}).Draw(t, "how") {
		case "content":
			changed[name] += "more"
		case "mode":
			changed[name] = map[bool]string{true: "1", false: "x1"}[changed[name] == "x1"]
		case "path":
			changed[name+"z"] = changed[name]
			delete(changed, name)
		case "gone":
			delete(changed, name)
			changed["kept"] = ""
		}
		if got := digest(changed, now); got == want {
			t.Fatalf("%v and %v have one digest", contents, changed)
		}
	})
}

// TestNothingFromOutside: wherever links lead, the files of a tree have contents
// of the tree.
func TestNothingFromOutside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fsys := fstest.MapFS{"outside/x": file("outside"), "outside/s/x": file("outside"), "s/x": file("inside"), "s/a/x": file("inside"), "s/a/b/x": file("inside")}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"s/l", "s/m", "s/a/l", "s/a/b/l", "outside/l", "l"}), rapid.ID[string]).Draw(t, "links") {
			parts := rapid.SliceOfN(rapid.SampledFrom([]string{"..", ".", "s", "a", "b", "l", "m", "x", "outside"}), 1, 5).Draw(t, "target")
			fsys[name] = link(strings.Join(parts, "/"))
		}
		files, refused := tree.Read(fsys, "s")
		if (files == nil) != (refused != nil) && len(files) > 0 {
			t.Fatalf("files %v and faults %v", files, refused)
		}
		for _, f := range files {
			data, err := fs.ReadFile(fsys, path.Join("s", f.Path))
			if err != nil || string(data) != "inside" {
				t.Fatalf("%s: %q %v in %v", f.Path, data, err, fsys)
			}
		}
	})
}
