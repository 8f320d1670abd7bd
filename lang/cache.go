package lang

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// Cache keeps what files of flows mean from one load to the next. It may lose
// anything, and what it returns is checked; but it holds text of the folder, so it
// is to be as private as that. Get and Put are called from two goroutines.
//
// What a file means depends on more than its bytes. An entry lists what it was
// made of: values, objects and files, each with a digest. If one of them has
// changed the entry is no answer, and is replaced.
type Cache interface {
	Get(key string) ([]byte, bool)
	Put(key string, entry []byte)
}

type digest = [sha256.Size]byte

// use is something outside of a file that its meaning depends on.
type use struct {
	module spec.Address
	kind   string // a root of expressions, objectUse or fileUse
	name   string
}

const (
	objectUse = "object" // an address without key
	fileUse   = "file"   // a path that a function was given
)

// uses are collected while a file is decoded.
type uses struct{ seen map[use]struct{} }

func (u *uses) add(module spec.Address, kind, name string) {
	if u != nil {
		u.seen[use{module, kind, name}] = struct{}{}
	}
}

// inputs computes the digests of uses, each once.
type inputs struct {
	w     *worker
	known map[use]digest
}

var errUncertain = errors.New("its digest is not known")

// digest is the same as long as what is used is the same.
func (in *inputs) digest(u use) (digest, error) {
	if d, ok := in.known[u]; ok {
		return d, nil
	}
	d, err := in.compute(u)
	if err == nil {
		in.known[u] = d
	}
	return d, err
}

func (in *inputs) compute(u use) (digest, error) {
	h := sha256.New()
	switch u.kind {
	case fileUse:
		if err := in.file(h, u.name); err != nil {
			return digest{}, err
		}
	case objectUse:
		in.object(h, spec.Address(u.name))
	default:
		m := in.w.moduleAt(u.module)
		if m == nil {
			return digest{}, errUncertain
		}
		// Go syntax tells everything about a value: type, marks, references.
		switch v, isValue := m.config.Vars[u.name]; {
		case u.kind == eval.VarRoot && isValue:
			fmt.Fprintf(h, "%#v", v)
		case u.kind == eval.LocalRoot:
			fmt.Fprintf(h, "%#v", m.config.Locals[u.name])
		case u.kind == eval.ModuleRoot && m.config.Modules[u.name] != nil:
			fmt.Fprintf(h, "%#v", *m.config.Modules[u.name])
		default:
			return digest{}, errUncertain
		}
	}
	return digest(h.Sum(nil)), nil
}

func (in *inputs) object(w io.Writer, addr spec.Address) {
	s, ok := in.w.sets[addr]
	if !ok {
		fmt.Fprint(w, "none")
		return
	}
	fmt.Fprintln(w, s.keyed, s.broken)
	for _, key := range slices.Sorted(maps.Keys(s.enabled)) {
		one := eval.Reference{Module: addr.Module(), Kind: addr.Kind(), Name: addr.Name(), Key: key}.Address()
		fmt.Fprintf(w, "%q %t", key, s.enabled[key])
		if p, ok := in.w.pools[one]; ok {
			fmt.Fprint(w, " ", p.Slots)
		}
		fmt.Fprintln(w)
	}
}

// file tells a file from none; a folder has no digest here.
func (in *inputs) file(w io.Writer, name string) error {
	f, err := mountedFiles{loader: in.w.loader}.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprint(w, "none")
		return nil
	}
	if err != nil {
		return err //nolint:wrapcheck // only whether there is one counts
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return cmp.Or(err, errUncertain)
	}
	fmt.Fprintln(w, "file")
	_, err = io.Copy(w, f)
	return err //nolint:wrapcheck // as above
}

// moduleAt is nil when there is no such module.
func (l *loader) moduleAt(addr spec.Address) *module {
	i := slices.IndexFunc(l.modules, func(m *module) bool { return m.addr == addr })
	if i < 0 {
		return nil
	}
	return l.modules[i]
}

// key names the entry of a file. Everything that all files depend on goes in.
func (w *worker) key(f waiting) string {
	h := sha256.New()
	h.Write(w.stamp[:])
	fmt.Fprintf(h, "%d %q %q", entryFormat, f.file.name, f.folder.name())
	for _, m := range f.folder.modules {
		fmt.Fprintf(h, " %q", m.addr)
	}
	h.Write([]byte{0})
	h.Write(f.file.data)
	return hex.EncodeToString(h.Sum(nil))
}

// newStamp is a digest of what is the same for all files: lft and its job types.
func newStamp(opt Options) digest {
	h := sha256.New()
	fmt.Fprintf(h, "%q", opt.Version)
	for _, t := range opt.JobTypes {
		fmt.Fprintf(h, " %q %q", t.Name, t.Kind)
		for _, a := range t.Attributes {
			fmt.Fprintf(h, " %q %s %t %t", a.Name, a.Type, a.Required, a.RunTime)
		}
	}
	return digest(h.Sum(nil))
}

// recall takes a file's meaning from the cache.
func (w *worker) recall(f waiting, key string) ([]*made, bool) {
	data, ok := w.opt.Cache.Get(key)
	if !ok {
		return nil, false
	}
	e, ok := readEntry(data)
	if !ok {
		return nil, false
	}
	for _, u := range e.uses {
		if d, err := w.inputs.digest(u.use); err != nil || d != u.digest {
			return nil, false
		}
	}
	for _, m := range e.made {
		m.folder, m.at.Filename = f.folder, f.file.name
		for _, one := range m.sets {
			for _, flow := range one.flows {
				w.jobs.Add(int64(len(flow.jobs)))
			}
		}
	}
	return e.made, true
}

// remember keeps what a file means, if that may be kept: with nothing to report,
// nothing sensitive, and no job whose meaning depends on flows of other files.
func (w *worker) remember(key string, batch []*made) {
	e := entry{made: batch}
	for _, m := range batch {
		if m.waits != nil {
			return
		}
		for _, one := range m.sets {
			for _, f := range one.flows {
				if len(f.starts) > 0 || f.secret {
					return
				}
			}
		}
	}
	for u := range w.uses.seen {
		d, err := w.inputs.digest(u)
		if err != nil {
			return
		}
		e.uses = append(e.uses, used{u, d})
	}
	slices.SortFunc(e.uses, func(a, b used) int {
		return cmp.Or(cmp.Compare(a.module, b.module), strings.Compare(a.kind, b.kind), strings.Compare(a.name, b.name))
	})
	w.opt.Cache.Put(key, e.append(nil))
}
