// Package archive reads zip and tar files as file systems, in memory.
//
// It promises that an archive takes no more memory than its bounds say, whatever
// its headers claim, and that the file system holds regular files and folders
// only: links and special files are left out, names that lead out of the archive
// are refused. It must never write a file.
package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Bounds of an archive.
const (
	MaxPacked   = 16 << 20 // bytes of the archive itself
	MaxUnpacked = 32 << 20 // bytes of all its files together
	MaxFiles    = 20_000
)

// Is reports whether a name is that of an archive.
func Is(name string) bool { return format(name) != "" }

func format(name string) string {
	for _, suffix := range [...]string{".zip", ".tar.gz", ".tgz", ".tar"} {
		if strings.HasSuffix(name, suffix) && path.Base(name) != suffix {
			return suffix
		}
	}
	return ""
}

// Open reads an archive of a file system.
func Open(fsys fs.FS, name string) (fs.FS, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > MaxPacked {
		return nil, fmt.Errorf("it is no regular file of at most %d bytes", MaxPacked)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	w := &writer{tree: newTree()}
	switch format(name) {
	case ".zip":
		err = w.zip(data)
	case ".tar":
		err = w.tar(bytes.NewReader(data))
	default:
		var unzipped *gzip.Reader
		if unzipped, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			err = w.tar(unzipped)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("it is no whole archive of its kind: %w", err)
	}
	return w.tree, nil
}

// writer fills a tree within the bounds.
type writer struct {
	tree  *memory
	size  int64
	files int
}

var errBounds = fmt.Errorf("more than %d files, or %d bytes unpacked", MaxFiles, MaxUnpacked)

func (w *writer) zip(data []byte) error {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err //nolint:wrapcheck // Open says what it is about
	}
	for _, f := range r.File {
		if !f.Mode().IsRegular() {
			continue
		}
		content, err := f.Open()
		if err != nil {
			return err //nolint:wrapcheck // as above
		}
		err = w.add(f.Name, content)
		if err = errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) tar(r io.Reader) error {
	for t := tar.NewReader(r); ; {
		header, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return err //nolint:wrapcheck // as above
		case header.Typeflag != tar.TypeReg:
			continue
		}
		if err := w.add(header.Name, t); err != nil {
			return err
		}
	}
}

func (w *writer) add(name string, content io.Reader) error {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) || clean == "." {
		return fmt.Errorf("the name %q leads out of it", name)
	}
	left := MaxUnpacked - w.size
	data, err := io.ReadAll(io.LimitReader(content, left+1))
	if err != nil {
		return err //nolint:wrapcheck // as above
	}
	w.size += int64(len(data))
	if w.files++; w.files > MaxFiles || w.size > MaxUnpacked {
		return errBounds
	}
	return w.tree.add(clean, data)
}
