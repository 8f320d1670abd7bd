package lang_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/leifengta/lft/lang"
)

// inside splits an archive of test files into those of the folder and those
// outside of it, which are named ../x or /x.
func split(tb testing.TB, path string) (inside fstest.MapFS, opener lang.Opener) {
	tb.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	inside = fstest.MapFS{}
	outside := map[string]string{}
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "../") || strings.HasPrefix(f.Name, "/") {
			outside[f.Name] = string(f.Data)
			continue
		}
		inside[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return inside, opens(outside)
}

// opens is an opener of folders made of files by full name.
func opens(files map[string]string) lang.Opener {
	return func(dir string) (fs.FS, error) {
		fsys := fstest.MapFS{}
		for name, text := range files {
			if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
				fsys[rest] = &fstest.MapFile{Data: []byte(text)}
			}
		}
		if len(fsys) == 0 {
			return nil, fs.ErrNotExist
		}
		return fsys, nil
	}
}

// TestFolders: what folders of several files mean, or what is wrong with them.
func TestFolders(t *testing.T) {
	paths, err := filepath.Glob("testdata/folders/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			fsys, opener := split(t, path)
			bundle, list := lang.Load(fsys, lang.Options{JobTypes: jobTypes(), Version: "1.2.3", Open: opener})
			got := render(list)
			if bundle != nil {
				got += dump(t, bundle)
			}
			golden(t, strings.TrimSuffix(path, ".txtar")+".txt", got)
		})
	}
}
