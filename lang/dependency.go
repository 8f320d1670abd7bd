package lang

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/lang/tree"
)

func (w *worker) dependency(d declaration, voc schema.Block, bundle *spec.Bundle) {
	w.decodeEach(d, voc, bundle, func(r reader) {
		r.at = spot{} // names of files are for all to see
		s := sourced{r: r, spec: &spec.Dependency{Address: r.addr, Protected: r.flag("protected")}}
		text, attr := r.text("source")
		if attr == nil || text == "" && !r.written(attr) {
			return // a fault was reported
		}
		if s.attr = attr; s.read(text) {
			bundle.Dependencies = append(bundle.Dependencies, s.spec)
			if bundle.Sources == nil {
				bundle.Sources = map[spec.Address]string{}
			}
			bundle.Sources[r.addr] = s.folder
		}
	})
}

// sourced is the source of a dependency while it is read.
type sourced struct {
	r      reader
	attr   *hclsyntax.Attribute
	spec   *spec.Dependency
	folder string // in which the files lie, relative to the project's
}

// archives are the ends of names of what is unpacked unless that is refused.
var archives = [...]string{".zip", ".tar", ".tar.gz", ".tgz"}

// read describes the files; false after a fault.
func (s *sourced) read(text string) bool {
	in := s.r.w.module.folder
	name := path.Join(in.dir, text)
	if path.IsAbs(text) || !fs.ValidPath(name) {
		return s.refuse(text, errors.New("it is not a path inside the folder: paths are relative to the folder that the block stands in"))
	}
	info, err := fs.Stat(in.mount.fsys, name)
	switch {
	case in.mount.sealed:
		return s.refuse(text, errors.New("the module lies in an archive, whose files can be read while planning only: unpack it and name the folder"))
	case errors.Is(err, fs.ErrNotExist):
		return s.refuse(text, errors.New("there is no such file or folder"))
	case err != nil:
		return s.refuse(text, err)
	}
	unpack := s.unpack(name, info.IsDir())
	var files []tree.File
	var refused []error
	if info.IsDir() {
		s.folder = name
		files, refused = tree.Read(in.mount.fsys, name)
	} else {
		s.folder = path.Dir(name)
		if s.spec.Form = spec.FormFile; unpack {
			s.spec.Form = spec.FormArchive
		}
		if files, err = tree.ReadFile(in.mount.fsys, name); err != nil {
			refused = []error{err}
		}
	}
	s.folder = path.Join(in.mount.name, s.folder)
	s.spec.Digest = tree.Digest(files)
	for _, f := range files {
		s.spec.Files = append(s.spec.Files, &spec.File{Path: f.Path, Executable: f.Executable, Size: f.Size, SHA256: f.SHA256})
	}
	return len(refused) == 0 || s.refuse(text, refused...)
}

func (s *sourced) refuse(text string, errs ...error) bool {
	for _, err := range errs {
		s.r.w.found.error(CodeDependency, s.r.addr, s.attr.Expr.Range(), "The files cannot be handed to jobs", "source %q: %v.", text, err)
	}
	return false
}

// unpack tells whether the source is an archive that is to be unpacked.
func (s *sourced) unpack(name string, folder bool) bool {
	archive := !folder && slices.ContainsFunc(archives[:], func(end string) bool { return strings.HasSuffix(name, end) })
	v, attr, written := s.r.value("unpack")
	if written && v.True() && !archive {
		s.r.w.found.error(CodeValue, s.r.addr, attr.Expr.Range(), "Nothing to unpack", "The source is no archive. Files whose names end in %s can be unpacked.", list(archives[:]))
	}
	return archive && (!written || v.True())
}

// readUses reads uses = [dependency.a, …].
func (j *job) readUses() {
	attr, ok := j.block.Body.Attributes["uses"]
	if !ok || isNull(attr.Expr) {
		return
	}
	w := j.flow.w
	members, ok := attr.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		w.found.error(CodeValue, j.addr(), attr.Expr.Range(), "Not a list of dependencies", "uses is a list: uses = [dependency.a, dependency.b].")
		return
	}
	for _, x := range members.Exprs {
		if ref, ok := w.reference(j.addr(), spec.DependencyKind, x); ok {
			w.use(j.addr(), j, ref, x.Range())
		}
	}
}

// use notes that a job uses a dependency, unless its folder or its variable would
// be that of another one.
func (w *worker) use(addr spec.Address, j *job, ref eval.Reference, rng hcl.Range) bool {
	if j == nil || j.spec.Kind != "" {
		w.found.error(CodeRunTime, addr, rng, "Not known here", "%s.%s is where a job finds the files, so it can only stand in a job that runs a process.", ref.Address(), eval.PathMember)
		return false
	}
	if !w.exists(addr, ref, rng) {
		return false
	}
	used := ref.Address()
	for _, other := range j.spec.Uses {
		if other := spec.Address(other); other != used && other.DependencyVariable() == used.DependencyVariable() {
			w.found.error(CodeCollision, addr, rng, "Names meet in the environment", "%s and %s are both %s in the environment of the job. Give one of them another name.", used, other, used.DependencyVariable())
			return false
		}
	}
	if i, ok := slices.BinarySearch(j.spec.Uses, string(used)); !ok {
		j.spec.Uses = slices.Insert(j.spec.Uses, i, string(used))
	}
	return true
}
