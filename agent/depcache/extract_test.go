package depcache

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/launch"
)

// item is an entry of a test's archive.
type item struct {
	name string
	kind byte // of tar; 0 = a file
	mode int64
	body string // or the link's target
}

func tarOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		h := &tar.Header{Name: i.name, Typeflag: i.kind, Mode: i.mode, Format: tar.FormatGNU}
		switch i.kind {
		case 0, tar.TypeReg:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(i.body))
		case tar.TypeSymlink, tar.TypeLink:
			h.Linkname, i.body = i.body, ""
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(i.body)); err != nil {
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
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate}
		mode := fs.FileMode(i.mode)
		switch i.kind {
		case tar.TypeSymlink:
			mode |= fs.ModeSymlink
		case tar.TypeDir:
			mode |= fs.ModeDir
		case tar.TypeFifo:
			mode |= fs.ModeNamedPipe
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(i.body))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// unpackTo extracts into a new folder beside a file that must stay as it is.
func unpackTo(tb testing.TB, name string, data []byte) (into string, err error) {
	tb.Helper()
	outer := tb.TempDir()
	into = filepath.Join(outer, "into")
	archive := filepath.Join(outer, "archive")
	tb.Cleanup(func() { _ = launch.RemoveAll(into) })
	if err := errors.Join(os.Mkdir(into, 0o700), os.WriteFile(archive, data, 0o600)); err != nil {
		tb.Fatal(err)
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		tb.Fatal(err)
	}
	defer root.Close()
	f, err := os.Open(archive)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	err = extract(name, f, newSink(root, limitOf(int64(len(data)))))
	if list, readErr := os.ReadDir(outer); readErr != nil || len(list) != 2 {
		tb.Fatalf("something was made outside: %v, %v", list, readErr)
	}
	return into, err
}

// listing is what lies below a folder: path, mode, content or target.
func listing(tb testing.TB, dir string) (out []string) {
	tb.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			if text, err = os.Readlink(path); err != nil {
				return err
			}
			out = append(out, strings.TrimPrefix(path, dir+"/")+" -> "+text)
			return nil
		case d.Type().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(data)
		}
		out = append(out, fmt.Sprintf("%s %s %s", strings.TrimPrefix(path, dir+"/"), info.Mode(), text))
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestExtract(t *testing.T) {
	common := []item{
		{name: "./", kind: tar.TypeDir, mode: 0o755},
		{name: "bin/", kind: tar.TypeDir, mode: 0o777},
		{name: "bin/run.sh", mode: 0o4755, body: "#!/bin/sh\n"},
		{name: "./conf/deep/a.ini", mode: 0o666, body: "a=1"},
		{name: "latest", kind: tar.TypeSymlink, body: "conf/deep"},
		{name: "conf/run", kind: tar.TypeSymlink, body: "../bin/run.sh"},
	}
	want := []string{
		"bin dr-xr-xr-x ",
		"bin/run.sh -r-xr-xr-x #!/bin/sh\n",
		"conf dr-xr-xr-x ",
		"conf/deep dr-xr-xr-x ",
		"conf/deep/a.ini -r--r--r-- a=1",
		"conf/run -> ../bin/run.sh",
		"latest -> conf/deep",
	}
	for name, data := range map[string][]byte{
		"a.tar": tarOf(t, common...), "a.tar.gz": gzipped(t, tarOf(t, common...)), "a.tgz": gzipped(t, tarOf(t, common...)),
		"a.zip": zipOf(t, common...),
	} {
		into, err := unpackTo(t, name, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, listing(t, into)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	into, err := unpackTo(t, "a.tar", tarOf(t, item{name: "a", mode: 0o700, body: "x"}, item{name: "d/b", kind: tar.TypeLink, body: "a"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a -r-xr-xr-x x", "d dr-xr-xr-x ", "d/b -r-xr-xr-x x"}, listing(t, into)); diff != "" {
		t.Errorf("a hard link (-want +got):\n%s", diff)
	}
}

func TestExtractRefuses(t *testing.T) {
	file := func(name string) item { return item{name: name, body: "x"} }
	sym := func(name, target string) item { return item{name: name, kind: tar.TypeSymlink, body: target} }
	hard := func(name, target string) item { return item{name: name, kind: tar.TypeLink, body: target} }
	both := map[string][]item{
		"absolute name":        {file("/etc/passwd")},
		"name goes up":         {file("../x")},
		"name goes up inside":  {file("a/../../x")},
		"name goes nowhere":    {file("a/../x")},
		"backslash":            {file(`..\x`)},
		"drive":                {file(`C:\x`)},
		"too long":             {file(strings.Repeat("n", 256))},
		"too deep":             {file(strings.Repeat("n/", 600) + "n")},
		"invisible":            {file("a\u202eb")},
		"line break":           {file("a\nb")},
		"twice":                {file("a"), file("a")},
		"file and folder":      {file("a"), file("a/b")},
		"link to outside":      {sym("a", "../x")},
		"absolute link":        {sym("a", "/etc/passwd")},
		"empty link":           {sym("a", "")},
		"link deep outside":    {sym("d/a", "../../x")},
		"link up after down":   {sym("d", "."), sym("e", "d/../x")},
		"write through a link": {sym("d", "real"), {name: "real/", kind: tar.TypeDir}, file("d/x")},
		"link twice":           {sym("a", "b"), sym("a", "c")},
		"link over a file":     {file("a"), sym("a", "b")},
		"long link":            {sym("a", strings.Repeat("n/", 3000)+"n")},
		"pipe":                 {{name: "a", kind: tar.TypeFifo}},
	}
	onlyTar := map[string][]item{
		"nothing of a name":      {file(".")},
		"device":                 {{name: "a", kind: tar.TypeChar}},
		"disk":                   {{name: "a", kind: tar.TypeBlock}},
		"hard link outside":      {hard("a", "../x")},
		"absolute hard link":     {hard("a", "/etc/passwd")},
		"hard link to a link":    {sym("l", "f"), file("f"), hard("a", "l")},
		"hard link to nothing":   {hard("a", "b")},
		"hard link to a folder":  {{name: "d", kind: tar.TypeDir}, hard("a", "d")},
		"hard link through link": {sym("d", "e"), file("e/f"), hard("a", "d/f")},
	}
	check := func(name, file string, data []byte) {
		t.Helper()
		_, err := unpackTo(t, file, data)
		if err == nil {
			t.Errorf("%s in %s is unpacked", name, file)
		} else if !errors.Is(err, errRefused) {
			t.Errorf("%s in %s: %v", name, file, err)
		}
	}
	for name, items := range both {
		check(name, "a.tar", tarOf(t, items...))
		check(name, "a.zip", zipOf(t, items...))
	}
	for name, items := range onlyTar {
		check(name, "a.tar", tarOf(t, items...))
	}
	check("a zero byte", "a.zip", zipOf(t, file("a\x00b")))
	check("pipe with content", "a.zip", zipOf(t, item{name: "a", kind: tar.TypeFifo, body: "b"}))
	check("another ending", "a.rar", nil)
	encrypted := zipOf(t, file("a"))
	for i := range encrypted { // the flag in both headers
		if bytes.HasPrefix(encrypted[i:], []byte("PK\x01\x02")) {
			encrypted[i+8] |= 1
		}
	}
	check("encrypted", "a.zip", encrypted)
}

func TestExtractDamaged(t *testing.T) {
	good := gzipped(t, tarOf(t, item{name: "a", body: strings.Repeat("abc", 1000)}))
	bad := slices.Clone(good)
	bad[len(bad)-6] ^= 1 // in the sum
	for name, data := range map[string][]byte{
		"a.tar.gz": bad, "b.tgz": good[:len(good)/2], "c.tar": good, "a.zip": good, "b.zip": nil,
	} {
		if _, err := unpackTo(t, name, data); err == nil {
			t.Errorf("%s is unpacked", name)
		}
	}
}

func TestExtractBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 2*ratioFree)
	for name, data := range map[string][]byte{
		"ratio.zip": zipOf(t, item{name: "a", body: zeros}),
		"ratio.tgz": gzipped(t, tarOf(t, item{name: "a", body: zeros})),
		"sum.tgz":   gzipped(t, tarOf(t, item{name: "a", body: zeros[:ratioFree-1]}, item{name: "b", body: "12"})),
		"copies.tgz": gzipped(t, tarOf(t, item{name: "a", body: zeros[:ratioFree-1]},
			item{name: "b", kind: tar.TypeLink, body: "a"})),
		"tail.tgz": gzipped(t, append(tarOf(t, item{name: "a"}), zeros...)),
	} {
		if _, err := unpackTo(t, name, data); !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Folders count as entries, also those that are only mentioned on the way.
func TestEntriesAreBounded(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	into := newSink(root, 1)
	into.entries = MaxEntries - 10
	if err := into.file("a/b/c/d", false, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	if err := into.file("a/b/1/2/3/4/5/6", false, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() error{
		"file": func() error { return into.file("a/x", false, strings.NewReader("")) },
		"dir":  func() error { return into.dir("y") },
		"link": func() error { return into.link("z", "a") },
	} {
		if err := try(); !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A tar file may say things about no file, and that often.
func TestGlobalHeadersAreBounded(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for range 2 {
		h := &tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	into := newSink(nil, 1)
	into.entries = MaxEntries - 1
	if err := extractTar(&b, into); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}

func TestLimitOf(t *testing.T) {
	for archive, want := range map[int64]int64{0: ratioFree, ratioFree: MaxRatio * ratioFree, MaxUnpacked: MaxUnpacked} {
		if got := limitOf(archive); got != want {
			t.Errorf("%d bytes may become %d, not %d", archive, got, want)
		}
	}
}

// What bounds the list of a zip file's entries does not bound their contents.
func TestLargeZip(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "a", Method: zip.Store})
	if err == nil {
		_, err = f.Write(make([]byte, maxDirectory+1))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := unpackTo(t, "a.zip", b.Bytes()); err != nil {
		t.Error(err)
	}
}

// The list of a zip file's entries is read before the first of them.
func TestZipDirectoryIsBounded(t *testing.T) {
	comment := strings.Repeat("c", 60_000)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 300 {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i), Comment: comment}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpackTo(t, "a.zip", b.Bytes()); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}

func FuzzExtract(f *testing.F) {
	seeds := []item{
		{name: "bin/run.sh", mode: 0o755, body: "#!/bin/sh\n"},
		{name: "l", kind: tar.TypeSymlink, body: "bin/run.sh"},
		{name: "../x", body: "x"},
		{name: "d/", kind: tar.TypeDir},
	}
	f.Add(byte(0), tarOf(f, seeds[0], seeds[1]))
	f.Add(byte(0), tarOf(f, seeds[2]))
	f.Add(byte(0), tarOf(f, seeds[0], item{name: "h", kind: tar.TypeLink, body: "bin/run.sh"}))
	f.Add(byte(1), zipOf(f, seeds[0], seeds[1], seeds[3]))
	f.Add(byte(1), zipOf(f, seeds[2]))
	f.Add(byte(2), gzipped(f, tarOf(f, seeds...)))
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		into, err := unpackTo(t, []string{"a.tar", "a.zip", "a.tgz"}[kind%3], data)
		if err != nil {
			return
		}
		root, err := os.OpenRoot(into)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		total, entries := int64(0), 0
		err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			entries++
			switch d.Type() {
			case 0:
				total += info.Size()
				fallthrough
			case fs.ModeDir:
				if info.Mode()&(0o222|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
					t.Errorf("%s has the mode %s", name, info.Mode())
				}
			case fs.ModeSymlink:
				if _, err := root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("link %s: %v", name, err)
				}
			default:
				t.Errorf("%s is %s", name, info.Mode())
			}
			return nil
		})
		if err != nil || total > limitOf(int64(len(data))) || entries > MaxEntries+1 {
			t.Errorf("%d bytes in %d entries: %v", total, entries, err)
		}
	})
}
