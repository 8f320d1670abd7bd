// Package tree describes a tree of files by content.
//
// A tree is its regular files: path, executable bit, SHA-256. Two trees that
// agree in these are equal, whatever their times, owners, other modes and empty
// folders are, and have the same digest on every machine. It promises that a
// path it lets through names a file below the folder it is joined to, and that
// nothing outside of a folder is ever read as a part of it, whatever links say.
package tree

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// File is a file of a tree.
type File struct {
	Path       string // relative, with slashes; see CheckPath
	Executable bool
	Size       int64
	SHA256     string // lower-case hexadecimal
}

// Limits of a path, in bytes: of the whole, and of each name in it.
const (
	MaxPath = 1024
	MaxName = 255
)

// CheckPath refuses what is no path of a file in a tree: absolute ones, ".."
// and ".", names that are too long, and characters that would make two lines or
// something invisible of one name.
func CheckPath(name string) error {
	switch {
	case len(name) > MaxPath:
		return fmt.Errorf("the path %.40q… has %d bytes, more than %d", name, len(name), MaxPath)
	case !utf8.ValidString(name):
		return fmt.Errorf("the path %q is not UTF-8", name)
	case !fs.ValidPath(name) || name == ".":
		return fmt.Errorf("%q is no relative path of a file", name)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return fmt.Errorf("the path %q has characters that cannot be seen", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > MaxName {
			return fmt.Errorf("the name %.40q… has %d bytes, more than %d", part, len(part), MaxName)
		}
	}
	return nil
}

// Compare orders files by path, as they are in a digest.
func Compare(a, b File) int { return cmp.Compare(a.Path, b.Path) }

// Check refuses a list that is no tree: files out of order or twice, a file that
// is a folder of another one, bad paths, sizes and sums.
func Check(files []File) error {
	for i, f := range files {
		if err := CheckPath(f.Path); err != nil {
			return err
		}
		if f.Size < 0 || !isSum(f.SHA256) {
			return fmt.Errorf("%q has no size or no sum", f.Path)
		}
		if i > 0 && files[i-1].Path >= f.Path {
			return fmt.Errorf("%q and %q are not in order", files[i-1].Path, f.Path)
		}
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			if _, is := slices.BinarySearchFunc(files, File{Path: dir}, Compare); is {
				return fmt.Errorf("%q is both a file and a folder", dir)
			}
		}
	}
	return nil
}

// isSum reports whether a text is a SHA-256 in lower-case hexadecimal.
func isSum(s string) bool {
	return len(s) == 2*sha256.Size && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}

// Digest is the SHA-256, in hexadecimal, over a line for each file: sum, x or -
// for the executable bit, path. The files are in order (Check).
func Digest(files []File) string {
	h := sha256.New()
	for _, f := range files {
		mode := "-"
		if f.Executable {
			mode = "x"
		}
		h.Write([]byte(f.SHA256 + " " + mode + " " + f.Path + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}
