package lang

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/leifengta/lft/lang/internal/archive"
)

// mount is a set of files that modules may lie in: the project's folder, a folder
// outside of it, or an archive. What leaves one is looked for in another.
type mount struct {
	name   string // relative to the project's folder; "." for that itself
	fsys   fs.FS
	sealed bool // an archive: nothing leaves it
}

// Opener opens a folder outside of the project's, named relative to that
// (../shared) or from the root (/srv/lib). What it returns must hold nothing but
// that folder.
type Opener func(dir string) (fs.FS, error)

// source is where a module lies: PACKAGE//SUB, or a path alone.
type source struct {
	pack, sub string
}

// parseSource knows paths only: what is loaded must be there already.
func parseSource(text string) (source, error) {
	if strings.ContainsAny(text, "\\\x00") {
		return source{}, errors.New("a path is written with slashes: ./modules/x")
	}
	local := text == "." || text == ".." || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || strings.HasPrefix(text, "/")
	switch {
	case !local && (strings.Contains(text, "://") || strings.Contains(text, "::") || strings.Contains(text, "@")):
		return source{}, errors.New("lft fetches nothing from a network while it plans. Clone or download the module, then name its path: ../checkout//modules/x")
	case !local:
		return source{}, fmt.Errorf("a path starts with ./ or ../; there is no registry of modules. Write ./%s for a folder beside this file", text)
	}
	pack, sub, _ := strings.Cut(text, "//")
	sub = path.Clean(sub)
	if pack == "" || !fs.ValidPath(sub) {
		return source{}, errors.New("what follows // is a path inside of what stands before")
	}
	return source{pack: path.Clean(pack), sub: sub}, nil
}

// locate finds the mount and the folder in it that a source names, seen from
// another folder.
func (l *loader) locate(from *folder, src source) (*mount, string, error) {
	m, dir := from.mount, path.Join(from.dir, src.pack)
	if path.IsAbs(src.pack) || !fs.ValidPath(dir) {
		if m.sealed {
			return nil, "", fmt.Errorf("%s leaves the archive %s", src.pack, m.name)
		}
		outside := src.pack
		if !path.IsAbs(outside) {
			outside = path.Join(m.name, dir)
		}
		if archive.Is(outside) {
			return l.unpacked(outside, src.sub, l.outside(path.Dir(outside)), path.Base(outside))
		}
		opened, err := l.outside(outside)()
		return opened, src.sub, err
	}
	if info, err := fs.Stat(m.fsys, dir); archive.Is(dir) && (err != nil || !info.IsDir()) {
		return l.unpacked(path.Join(m.name, dir), src.sub, func() (*mount, error) { return m, nil }, dir)
	}
	return m, path.Join(dir, src.sub), nil
}

// outside opens a folder out of the project's, once.
func (l *loader) outside(name string) func() (*mount, error) {
	return func() (*mount, error) {
		if m, ok := l.mounts[name]; ok {
			return m, nil
		}
		if l.opt.Open == nil {
			return nil, fmt.Errorf("%s lies outside of the folder, and nothing outside may be read here", name)
		}
		fsys, err := l.opt.Open(name)
		if err != nil {
			return nil, cause(err)
		}
		l.mounts[name] = &mount{name: name, fsys: fsys}
		return l.mounts[name], nil
	}
}

// unpacked opens an archive that lies in a mount, once.
func (l *loader) unpacked(name, sub string, around func() (*mount, error), file string) (*mount, string, error) {
	if m, ok := l.mounts[name]; ok {
		return m, sub, nil
	}
	m, err := around()
	if err != nil {
		return nil, "", err
	}
	fsys, err := archive.Open(m.fsys, file)
	if err != nil {
		return nil, "", cause(err)
	}
	l.mounts[name] = &mount{name: name, fsys: fsys, sealed: true}
	return l.mounts[name], sub, nil
}

// cause drops the path of an error, which the message has already.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// mountedFiles are all mounts as one, for functions that read files: each at its
// name.
type mountedFiles struct {
	*loader

	worker *worker // that is told what was asked for; may be nil
}

// Open finds the mount by the longest name that leads to the file.
func (f mountedFiles) Open(name string) (fs.File, error) {
	best, rest := f.mounts["."], name
	for root, m := range f.mounts {
		inner, ok := strings.CutPrefix(name, root+"/")
		if !ok && name == root {
			inner, ok = ".", true
		}
		if ok && (best.name == "." || len(root) > len(best.name)) {
			best, rest = m, inner
		}
	}
	return best.fsys.Open(rest) //nolint:wrapcheck // it is a file system itself
}

// Holds reports whether a path, which may start with .., leads into one of the
// mounts.
func (f mountedFiles) Holds(name string) bool {
	if f.worker != nil {
		f.worker.uses.add("", fileUse, name)
	}
	if fs.ValidPath(name) {
		return true
	}
	for root := range f.mounts {
		if name == root || strings.HasPrefix(name, root+"/") {
			return true
		}
	}
	return false
}
