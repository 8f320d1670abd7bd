package depcache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/tree"
)

// Limits of what becomes of one dependency.
const (
	MaxEntries  = 50_000  // files, folders and links
	MaxUnpacked = 1 << 30 // bytes of an archive's files
	MaxRatio    = 100     // of these to the bytes of the archive, beyond the first ratioFree
	ratioFree   = 10 << 20
	maxTarget   = 4096 // bytes of a link's target
)

// errRefused says that an archive holds what no dependency may.
var errRefused = errors.New("refused")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errRefused, fmt.Sprintf(format, args...))
}

// sink makes files below one folder. Names come from outside: each is checked,
// and the folder cannot be left. Folders are real ones, because links are made
// after everything else, so nothing is ever written through a link.
type sink struct {
	root    *os.Root
	dirs    map[string]bool
	links   []link
	entries int
	bytes   int64
	limit   int64 // of bytes
}

type link struct{ name, target string }

func newSink(root *os.Root, limit int64) *sink {
	return &sink{root: root, dirs: map[string]bool{".": true}, limit: limit}
}

// clean is an entry's name as a path of a tree, "." for the folder itself.
func clean(name string) (string, error) {
	if strings.Contains(name, `\`) {
		return "", refused("the name %q has a backslash", name)
	}
	short := strings.TrimSuffix(name, "/")
	for strings.HasPrefix(short, "./") {
		short = short[2:]
	}
	if short == "." || short == "" && strings.HasPrefix(name, "./") {
		return ".", nil
	}
	if err := tree.CheckPath(short); err != nil {
		return "", refused("%v", err)
	}
	return short, nil
}

func (s *sink) count() error {
	if s.entries++; s.entries > MaxEntries {
		return refused("it has more than %d entries", MaxEntries)
	}
	return nil
}

// dir makes a folder and those above it.
func (s *sink) dir(name string) error {
	if s.dirs[name] {
		return nil
	}
	if err := s.dir(path.Dir(name)); err != nil {
		return err
	}
	if err := s.count(); err != nil {
		return err
	}
	if err := s.root.Mkdir(name, 0o700); err != nil {
		return twice(name, err)
	}
	s.dirs[name] = true
	return nil
}

// twice says what it means that a name is taken.
func twice(name string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return refused("%q is there twice, or differs in case only", name)
	}
	return err
}

// file makes a regular file of what r has to give.
func (s *sink) file(name string, executable bool, r io.Reader) error {
	if name == "." {
		return refused("a file without a name")
	}
	if err := s.dir(path.Dir(name)); err != nil {
		return err
	}
	if err := s.count(); err != nil {
		return err
	}
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return twice(name, err)
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(r, s.limit-s.bytes+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.bytes += n; s.bytes > s.limit {
		return refused("it unpacks to more than %d bytes", s.limit)
	}
	mode := fs.FileMode(0o444)
	if executable {
		mode = 0o555
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return f.Close()
}

// copy makes a file like one that is there, in place of a second name for it.
func (s *sink) copy(name, from string) error {
	st, err := s.root.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
		return refused("%q is a second name for %q, which is no file before it", name, from)
	}
	if err != nil {
		return err
	}
	f, err := s.root.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.file(name, st.Mode()&0o111 != 0, f)
}

// link remembers a link to be made at the end.
func (s *sink) link(name, target string) error {
	if name == "." {
		return refused("a link without a name")
	}
	if err := s.dir(path.Dir(name)); err != nil {
		return err
	}
	if err := s.count(); err != nil {
		return err
	}
	if !inside(path.Dir(name), target) {
		return refused("the link %q leads to %q, out of the folder", name, target)
	}
	s.links = append(s.links, link{name, target})
	return nil
}

// inside reports whether a link in dir stays in the root. Its first steps may go
// up, from a folder that is a real one; after a step down, which may be a link, no
// step goes up again.
func inside(dir, target string) bool {
	if target == "" || len(target) > maxTarget || strings.HasPrefix(target, "/") || strings.ContainsAny(target, "\x00\\") {
		return false
	}
	depth, down := 0, false
	if dir != "." {
		depth = strings.Count(dir, "/") + 1
	}
	for step := range strings.SplitSeq(target, "/") {
		switch {
		case step == "" || step == ".":
		case step != "..":
			down = true
		case down || depth == 0:
			return false
		default:
			depth--
		}
	}
	return true
}

// finish makes the links, looks at each through the root, which lets nothing out,
// and takes away the right to write.
func (s *sink) finish() error {
	for _, l := range s.links {
		if err := s.root.Symlink(l.target, l.name); err != nil {
			return twice(l.name, err)
		}
	}
	for _, l := range s.links {
		if _, err := s.root.Stat(l.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return refused("the link %q leads to %q: %v", l.name, l.target, err)
		}
	}
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(s.dirs))) {
		if err := s.root.Chmod(dir, 0o555); err != nil {
			return err
		}
	}
	return nil
}
