package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leifengta/lft/lang/internal/archive"
)

// entry is a file of an archive; a link when it leads somewhere.
type entry struct{ name, text, link string }

func zipped(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if header.SetMode(0o644); e.link != "" {
			header.SetMode(fs.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(header)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := f.Write([]byte(e.text + e.link)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func tarred(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Size: int64(len(e.text)), Mode: 0o644}
		if e.link != "" {
			header.Typeflag, header.Linkname = tar.TypeSymlink, e.link
		}
		if err := w.WriteHeader(header); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestOpen(t *testing.T) {
	entries := []entry{{name: "./m/main.hcl", text: "a"}, {name: "m/sub/x.sql", text: "b"}, {name: "m/link", link: "/etc/passwd"}, {name: "m/main.hcl", text: "c"}}
	folder := fstest.MapFS{
		"x.zip": {Data: zipped(t, entries...)}, "x.tar": {Data: tarred(t, entries...)},
		"x.tar.gz": {Data: gzipped(t, tarred(t, entries...))}, "x.tgz": {Data: gzipped(t, tarred(t, entries...))},
	}
	for name := range folder {
		if !archive.Is(name) {
			t.Errorf("%s is no archive", name)
		}
		fsys, err := archive.Open(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(fsys, "m/main.hcl", "m/sub/x.sql"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if data, err := fs.ReadFile(fsys, "m/main.hcl"); err != nil || string(data) != "c" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if _, err := fs.Stat(fsys, "m/link"); err == nil {
			t.Errorf("%s has a link", name)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"outside.zip", zipped(t, entry{name: "../x", text: "a"}), "leads out"},
		{"outside.tar", tarred(t, entry{name: "a/../../x", text: "a"}), "leads out"},
		{"absolute.tar", tarred(t, entry{name: "/etc/x", text: "a"}), "leads out"},
		{"both.tar", tarred(t, entry{name: "a", text: "a"}, entry{name: "a/b", text: "a"}), "a file and a folder"},
		{"other.tar", tarred(t, entry{name: "a/b", text: "a"}, entry{name: "a", text: "a"}), "a file and a folder"},
		{"deep.tar", tarred(t, entry{name: strings.Repeat("a/", 101) + "x", text: "a"}), "folders"},
		{"bomb.tgz", gzipped(t, tarred(t, entry{name: "a", text: strings.Repeat("a", archive.MaxUnpacked/2)}, entry{name: "b", text: strings.Repeat("a", archive.MaxUnpacked/2+1)})), "more than"},
		{"none.zip", []byte("x"), "no whole archive"},
		{"none.tgz", []byte("x"), "no whole archive"},
		{"cut.tar", tarred(t, entry{name: "a", text: strings.Repeat("a", 5000)})[:2000], "no whole archive"},
	} {
		if _, err := archive.Open(fstest.MapFS{tc.name: {Data: tc.data}}, tc.name); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if archive.Is("zip") || archive.Is(".zip") || archive.Is("a.zip.hcl") {
		t.Error("an archive by its name, but it is none")
	}
}
