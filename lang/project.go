package lang

import (
	"bytes"
	"io/fs"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/diag"
)

// Project returns the name of the project that a folder owns, for those who ask
// about what is deployed. It needs no values of variables, and a fault elsewhere in
// the folder is none here. The name is "" when it cannot be known; then the list
// says why.
func Project(fsys fs.FS) (string, diag.List) {
	l := newLoader(fsys, Options{})
	f, ok := l.openTop()
	if !ok {
		return "", l.found.list
	}
	for _, one := range f.later {
		if !bytes.Contains(one.data, []byte("lft")) {
			continue
		}
		one.parse(l.voc)
		one.report(l.broken)
		if one.body != nil {
			f.collect(one, l.voc, l.found)
		}
	}
	declared := f.blocks["lft"]
	if len(declared) == 0 {
		if l.broken.list.HasErrors() {
			return "", l.broken.list // it may be there
		}
		return DefaultProject, nil
	}
	l.found.list = nil
	name := l.projectName(declared[0].block.Body.Attributes["project"])
	if l.found.list.HasErrors() {
		return "", l.found.list
	}
	return name, nil
}

// openTop reads the project's own folder.
func (l *loader) openTop() (*folder, bool) {
	f := &folder{mount: l.mounts["."], dir: "."}
	names, err := f.files()
	switch {
	case err != nil:
		l.found.error(CodeRead, "", hcl.Range{}, "The folder cannot be read", "%v", err)
		return nil, false
	case len(names) == 0:
		l.found.error(CodeRead, "", hcl.Range{}, "No configuration", "The folder has no *.hcl files.%s", f.otherFiles())
		return nil, false
	}
	l.folders[f.name()] = f
	l.read(f, names)
	return f, true
}

// otherFiles hints at what a folder without configuration may be about.
func (f *folder) otherFiles() string {
	if found, err := fs.Glob(f.mount.fsys, "*.tf"); err == nil && len(found) > 0 {
		return " Those of Terraform (*.tf) are not read: what lft runs stands in files of its own. lft init writes the first."
	}
	return " lft init writes a project to start from."
}
