package depcache

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxDirectory bounds what is read of a zip file before its first entry: the
// package that reads it keeps all of that in memory.
const maxDirectory = 16 << 20

// extract unpacks an archive, by the ending of its name.
func extract(name string, archive *os.File, into *sink) error {
	switch {
	case strings.HasSuffix(name, ".zip"):
		return extractZip(archive, into)
	case strings.HasSuffix(name, ".tar"):
		return extractTar(archive, into)
	case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".tgz"):
		z, err := gzip.NewReader(archive)
		if err != nil {
			return err
		}
		if err := extractTar(z, into); err != nil {
			return err
		}
		// To the end, so that its sum is checked.
		if n, err := io.Copy(io.Discard, io.LimitReader(z, into.limit)); err != nil || n == into.limit {
			return errors.Join(refused("%d bytes follow the archive", n), err)
		}
		return z.Close()
	default:
		return refused("%q is no .zip, .tar, .tar.gz or .tgz", name)
	}
}

// limitOf is how many bytes an archive may unpack to.
func limitOf(archive int64) int64 {
	return min(MaxUnpacked, max(ratioFree, archive*MaxRatio))
}

func extractTar(r io.Reader, into *sink) error {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return into.finish()
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			if err := into.count(); err != nil {
				return err
			}
			continue // about no file
		}
		if err := tarEntry(h, t, into); err != nil {
			return err
		}
	}
}

func tarEntry(h *tar.Header, content io.Reader, into *sink) error {
	name, err := clean(h.Name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return into.dir(name)
	case tar.TypeReg, tar.TypeGNUSparse:
		return into.file(name, h.Mode&0o111 != 0, content)
	case tar.TypeSymlink:
		return into.link(name, h.Linkname)
	case tar.TypeLink:
		from, err := clean(h.Linkname)
		if err != nil {
			return err
		}
		return into.copy(name, from)
	default:
		return refused("%q is no file, folder or link but of type %q", name, h.Typeflag)
	}
}

func extractZip(archive *os.File, into *sink) error {
	st, err := archive.Stat()
	if err != nil {
		return err
	}
	bounded := &budget{r: archive, left: maxDirectory}
	z, err := zip.NewReader(bounded, st.Size())
	if err != nil {
		return fmt.Errorf("zip: %w", err)
	}
	bounded.free = true
	for _, f := range z.File {
		if err := zipEntry(f, into); err != nil {
			return err
		}
	}
	return into.finish()
}

func zipEntry(f *zip.File, into *sink) error {
	name, err := clean(f.Name)
	if err != nil {
		return err
	}
	const encrypted = 1
	if f.Flags&encrypted != 0 {
		return refused("%q is encrypted", name)
	}
	mode := f.Mode()
	if mode.IsDir() {
		return into.dir(name)
	}
	if mode.Type() != 0 && mode.Type() != fs.ModeSymlink {
		return refused("%q is no file, folder or link but %s", name, mode)
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	if mode.Type() == 0 {
		return into.file(name, mode&0o111 != 0, r)
	}
	target, err := io.ReadAll(io.LimitReader(r, maxTarget+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return into.link(name, string(target))
}

// budget ends reading when too much was read, until it is free.
type budget struct {
	r    io.ReaderAt
	left int64
	free bool
}

// ReadAt implements io.ReaderAt.
func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if !b.free {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, refused("its list of entries has more than %d bytes", maxDirectory)
		}
	}
	return b.r.ReadAt(p, off)
}
