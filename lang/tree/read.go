package tree

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Bounds of a folder. What is larger belongs into an archive, which is one file.
const (
	MaxFiles = 5000
	maxDepth = 100 // of folders
	maxLinks = 40  // that are followed for one path
)

// maxRefusals ends a list nobody would read to its end.
const maxRefusals = 20

// Read describes the folder of fsys at root. A link counts as what it points to,
// which must lie in that folder; files that .lftignore names are left out, and so
// is that file. All that is wrong is returned at once, and then no files.
func Read(fsys fs.FS, root string) ([]File, []error) {
	dir, err := resolve(fsys, ".", root)
	if err != nil {
		return nil, []error{err}
	}
	r := reader{fsys: fsys, root: dir}
	if r.ignore, err = readIgnore(fsys, path.Join(dir, ignoreName)); err != nil {
		return nil, []error{err}
	}
	r.folder("", dir, nil)
	if len(r.refused) > 0 {
		return nil, r.refused
	}
	slices.SortFunc(r.files, Compare)
	return r.files, nil
}

// ReadFile describes one file as a tree of its own, under its own name.
func ReadFile(fsys fs.FS, name string) ([]File, error) {
	target, err := resolve(fsys, ".", name)
	if err != nil {
		return nil, err
	}
	f, err := sum(fsys, target)
	if err != nil {
		return nil, err
	}
	if f.Path = path.Base(name); f.Path == "." {
		return nil, fmt.Errorf("%q is no file", name)
	}
	if err := CheckPath(f.Path); err != nil {
		return nil, err
	}
	return []File{f}, nil
}

// reader walks one tree. A place has two names: the path in the tree, and where
// it really lies, behind all links.
type reader struct {
	fsys    fs.FS
	root    string // really
	ignore  ignore
	files   []File
	refused []error
}

func (r *reader) refuse(err error) {
	if len(r.refused) < maxRefusals {
		r.refused = append(r.refused, err)
	}
}

// full tells that there is no point in going on.
func (r *reader) full() bool { return len(r.refused) == maxRefusals || len(r.files) > MaxFiles }

// folder adds the files of one. around are the real places of the folders around
// it: a link to one of them would have no end.
func (r *reader) folder(name, dir string, around []string) {
	switch {
	case slices.Contains(around, dir):
		r.refuse(fmt.Errorf("%q is a link to a folder that it lies in", name))
		return
	case len(around) == maxDepth:
		r.refuse(fmt.Errorf("%q: folders lie more than %d deep in each other", name, maxDepth))
		return
	}
	entries, err := fs.ReadDir(r.fsys, dir)
	if err != nil {
		r.refuse(cause(name, err))
		return
	}
	around = append(around, dir)
	for _, entry := range entries {
		if r.full() {
			return
		}
		r.entry(path.Join(name, entry.Name()), path.Join(dir, entry.Name()), entry, around)
	}
}

func (r *reader) entry(name, place string, entry fs.DirEntry, around []string) {
	if name == ignoreName || r.ignore.matches(name, entry.IsDir()) {
		return
	}
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		target, err := resolve(r.fsys, r.root, place)
		if err != nil {
			r.refuse(fmt.Errorf("%q: %w", name, err))
			return
		}
		info, err := fs.Stat(r.fsys, target)
		if err != nil {
			r.refuse(cause(name, err))
			return
		}
		// A folder is only known for one behind the link.
		if place, mode = target, info.Mode().Type(); info.IsDir() && r.ignore.matches(name, true) {
			return
		}
	}
	switch {
	case mode.IsDir():
		r.folder(name, place, around)
	case mode.IsRegular():
		r.file(name, place)
	default:
		r.refuse(fmt.Errorf("%q is neither a file nor a folder", name))
	}
}

func (r *reader) file(name, place string) {
	if err := CheckPath(name); err != nil {
		r.refuse(err)
		return
	}
	f, err := sum(r.fsys, place)
	if err != nil {
		r.refuse(cause(name, err))
		return
	}
	f.Path = name
	if r.files = append(r.files, f); len(r.files) > MaxFiles {
		r.refuse(fmt.Errorf("the folder holds more than %d files; pack them into an archive (.tar.gz or .zip), which is unpacked where jobs run, or name what is not needed in %s", MaxFiles, ignoreName))
	}
}

// sum reads a file at its real place.
func sum(fsys fs.FS, place string) (File, error) {
	f, err := fsys.Open(place)
	if err != nil {
		return File{}, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return File{}, err
	}
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("%q is no file", place)
	}
	h := sha256.New()
	size, err := bufio.NewReaderSize(f, 64<<10).WriteTo(h)
	if err != nil {
		return File{}, err
	}
	return File{Executable: info.Mode()&0o111 != 0, Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// resolve follows all links of a path and returns where it really is, which must
// be in the folder root.
func resolve(fsys fs.FS, root, name string) (string, error) {
	done, rest := ".", path.Clean(name)
	for links := 0; rest != ""; {
		part, after, _ := strings.Cut(rest, "/")
		if part == ".." || part == "" {
			return "", fmt.Errorf("%q is not in the folder", name)
		}
		next := path.Join(done, part)
		target, err := link(fsys, next)
		if err != nil {
			return "", err
		}
		if target == "" {
			done, rest = next, after
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("there are too many links to follow")
		}
		// The target counts from where the link is.
		to := path.Join(path.Dir(next), target)
		if path.IsAbs(target) || !inside(root, to) {
			return "", fmt.Errorf("it is a link to %s, and links must stay in the folder", target)
		}
		done, rest = ".", path.Join(to, after)
	}
	if !inside(root, done) {
		return "", fmt.Errorf("%q is not in the folder", name)
	}
	return done, nil
}

// link returns the target of a link, or "" for what is none.
func link(fsys fs.FS, name string) (string, error) {
	info, err := lstat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no file %q", name)
	case err != nil:
		return "", cause(name, err)
	case info.Mode()&fs.ModeSymlink == 0:
		return "", nil
	}
	target, err := fs.ReadLink(fsys, name)
	if err != nil {
		return "", cause(name, err)
	}
	return target, nil
}

// lstat does not follow a link. A file system without links has none to follow.
func lstat(fsys fs.FS, name string) (fs.FileInfo, error) {
	if links, ok := fsys.(fs.ReadLinkFS); ok {
		return links.Lstat(name)
	}
	return fs.Stat(fsys, name)
}

func inside(root, name string) bool {
	return name != ".." && !strings.HasPrefix(name, "../") && (root == "." || name == root || strings.HasPrefix(name, root+"/"))
}

// cause names the file as the tree does, instead of where it really lies.
func cause(name string, err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	if name == "" {
		name = "."
	}
	return fmt.Errorf("%q cannot be read: %w", name, err)
}
