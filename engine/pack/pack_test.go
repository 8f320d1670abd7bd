package pack_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/lang/tree"
)

// treeOf describes contents by path; those that begin with #! are executable.
func treeOf(contents map[string]string) (files []tree.File) {
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		sum := sha256.Sum256([]byte(contents[path]))
		files = append(files, tree.File{
			Path: path, Executable: strings.HasPrefix(contents[path], "#!"),
			Size: int64(len(contents[path])), SHA256: hex.EncodeToString(sum[:]),
		})
	}
	return files
}

func encode(files []tree.File, contents map[string]string) *pack.Encoder {
	return pack.Encode(files, func(path string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(contents[path])), nil
	})
}

var small = map[string]string{"a/run.sh": "#!/bin/sh\n", "empty": "", "z": "zz"}

func packed(tb testing.TB, contents map[string]string) []byte {
	tb.Helper()
	data, err := io.ReadAll(encode(treeOf(contents), contents))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// The format is in buckets for ever.
func TestFormat(t *testing.T) {
	want := "lft pack 1\n" +
		"10 " + sum("#!/bin/sh\n") + " x a/run.sh\n" +
		"0 " + sum("") + " - empty\n" +
		"2 " + sum("zz") + " - z\n" +
		"\n#!/bin/sh\nzz"
	if diff := cmp.Diff(want, string(packed(t, small))); diff != "" {
		t.Error(diff)
	}
}

func sum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		contents := map[string]string{}
		for range rapid.IntRange(0, 8).Draw(t, "files") {
			contents[rapid.StringMatching(`[a-c]{1,3}\.[de]`).Draw(t, "path")] = rapid.StringN(0, -1, 300).Draw(t, "content")
		}
		files := treeOf(contents)
		data, err := io.ReadAll(iotest.OneByteReader(encode(files, contents)))
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(data)) != pack.Size(files) {
			t.Fatalf("%d bytes, Size says %d", len(data), pack.Size(files))
		}
		r, err := pack.Decode(iotest.HalfReader(bytes.NewReader(data)))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Check(tree.Digest(files)); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		err = r.Each(func(f tree.File, content io.Reader) error {
			text, err := io.ReadAll(content)
			got[f.Path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(contents, got); diff != "" {
			t.Fatal(diff)
		}
		for i, f := range files {
			off, n := pack.Section(files, i)
			if string(data[off:off+n]) != contents[f.Path] {
				t.Fatalf("section of %s: %q", f.Path, data[off:off+n])
			}
		}
		r, err = pack.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		again, err := io.ReadAll(iotest.OneByteReader(r.Relay()))
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("relayed: %v, equal %v", err, bytes.Equal(again, data))
		}
	})
}

// Whatever byte is changed, cut or added, nobody takes the pack for the tree.
func TestDamage(t *testing.T) {
	good := packed(t, small)
	digest := tree.Digest(treeOf(small))
	read := func(data []byte) (relayed, unpacked error) {
		for i, use := range []func(*pack.Reader) error{
			func(r *pack.Reader) error { _, err := io.Copy(io.Discard, r.Relay()); return err },
			func(r *pack.Reader) error {
				return r.Each(func(tree.File, io.Reader) error { return nil })
			},
		} {
			r, err := pack.Decode(bytes.NewReader(data))
			if err == nil {
				err = r.Check(digest)
			}
			if err == nil {
				err = use(r)
			}
			if i == 0 {
				relayed = err
			} else {
				unpacked = err
			}
		}
		return relayed, unpacked
	}
	if a, b := read(good); a != nil || b != nil {
		t.Fatal(a, b)
	}
	bad := map[string][]byte{"longer": append(slices.Clone(good), 0)}
	for i := range good {
		changed := slices.Clone(good)
		changed[i] ^= 1
		bad[fmt.Sprint("changed at ", i)] = changed
		bad[fmt.Sprint("cut at ", i)] = good[:i]
	}
	for name, data := range bad {
		if a, b := read(data); !errors.Is(a, pack.ErrDamaged) || !errors.Is(b, pack.ErrDamaged) {
			t.Errorf("%s: relayed %v, unpacked %v", name, a, b)
		}
	}
}

func TestChangedFiles(t *testing.T) {
	files := treeOf(small)
	for name, now := range map[string]map[string]string{
		"other bytes": {"a/run.sh": "#!/bin/no\n", "z": "zz"},
		"shorter":     {"a/run.sh": "#!/bin/sh", "z": "zz"},
		"longer":      {"a/run.sh": "#!/bin/sh\n\n", "z": "zz"},
		"last longer": {"a/run.sh": "#!/bin/sh\n", "z": "zzz"},
	} {
		if _, err := io.Copy(io.Discard, encode(files, now)); !errors.Is(err, pack.ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone := errors.New("gone")
	e := pack.Encode(files, func(string) (io.ReadCloser, error) { return nil, gone })
	if _, err := io.Copy(io.Discard, e); !errors.Is(err, gone) {
		t.Error(err)
	}
}

func TestHeaderIsBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("lft pack 1\n"), strings.NewReader(strings.Repeat("9", 2*pack.MaxHeader)))
	if _, err := pack.Decode(endless); !errors.Is(err, pack.ErrDamaged) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(packed(f, small))
	f.Add([]byte("lft pack 1\n\n"))
	f.Add([]byte("lft pack 1\n1 " + sum("x") + " - ../x\n\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := pack.Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := io.ReadAll(r.Relay())
		if err == nil && !bytes.Equal(again, data) {
			t.Errorf("%q is relayed as %q", data, again)
		}
	})
}
