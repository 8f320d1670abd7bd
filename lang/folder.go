package lang

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// folder is the source of the project or of a module: read once, however often
// it is used. After it was read it only changes where files that waited are
// decoded.
type folder struct {
	mount *mount
	dir   string  // in the mount, "." for its root
	later []*file // with flows and nothing else: parsed when they are decoded

	size   int64                    // of its files, in bytes
	blocks map[string][]declaration // by kind, in the order of files
	locals []local
	places map[string]hcl.Range // by kind.name, of the first of its name

	modules []*module // that are made of it
}

// declaration is a block at the top level with the file it stands in.
type declaration struct {
	file  *file
	block *hclsyntax.Block
	name  string // its label
}

// name is the folder's path relative to the project's, as findings show it.
func (f *folder) name() string { return path.Join(f.mount.name, f.dir) }

// Names of configuration files end so; those of variable files do not.
const (
	extension     = ".hcl"
	jsonExtension = ".lft.json"
)

// files names the configuration files of the folder, sorted.
func (f *folder) files() ([]string, error) {
	entries, err := fs.ReadDir(f.mount.fsys, f.dir)
	if err != nil {
		return nil, err //nolint:wrapcheck // reported as it is
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, ".") && !entry.IsDir() && (strings.HasSuffix(name, extension) || strings.HasSuffix(name, jsonExtension)) {
			names = append(names, name)
		}
	}
	return names, nil
}

// read parses what must be known first, and finds out what may wait.
func (l *loader) read(f *folder, names []string) {
	all := make([]*file, len(names))
	for i, name := range names {
		all[i] = &file{name: path.Join(f.name(), name), path: path.Join(f.dir, name)}
		l.found.files[all[i].name] = all[i]
	}
	waits := make([]bool, len(all))
	twoAtOnce(len(all), func(i int) {
		all[i].read(f.mount.fsys)
		if waits[i] = !l.whole && len(all) > 1 && all[i].flowsOnly(); !waits[i] {
			all[i].parse(l.voc)
		}
	})
	for _, one := range all {
		f.size += int64(len(one.data))
	}
	f.blocks, f.places = map[string][]declaration{}, map[string]hcl.Range{}
	for i, one := range all {
		if waits[i] {
			f.later = append(f.later, one)
			continue
		}
		one.report(l.broken)
		if one.body != nil {
			f.collect(one, l.voc, l.found)
		}
	}
}

// collect sorts the blocks of a file and checks what can be checked without
// values: words, labels, names, doubles.
func (f *folder) collect(one *file, voc schema.Block, found *findings) {
	for _, attr := range attributes(one.body) {
		found.error(CodeUnknown, "", attr.NameRange, "An attribute outside of a block", "%q cannot stand here: a file holds blocks, such as flow \"name\" { … }.", attr.Name)
	}
	for _, block := range one.body.Blocks {
		kind, ok := voc.Block(block.Type)
		if !ok {
			found.unknownBlock(voc, block, "")
			continue
		}
		if !found.labels(kind, block, "") {
			continue
		}
		d := declaration{file: one, block: block}
		if len(block.Labels) > 0 {
			d.name = block.Labels[0]
		}
		f.declare(d, found)
	}
}

func (f *folder) declare(d declaration, found *findings) {
	switch kind := d.block.Type; {
	case d.name != "" && !f.once(kind+"."+d.name, d.block.LabelRanges[0], found):
	case kind == "lft" && !f.once(kind, d.block.TypeRange, found):
	case kind == "locals":
		f.declareLocals(d, found)
	default:
		f.blocks[kind] = append(f.blocks[kind], d)
	}
}

// once reports a second declaration of a name.
func (f *folder) once(what string, rng hcl.Range, found *findings) bool {
	if before, ok := f.places[what]; ok {
		found.error(CodeDuplicate, "", rng, "Declared twice", "%s is already declared at %s:%d.", what, before.Filename, before.Start.Line)
		return false
	}
	f.places[what] = rng
	return true
}

func (f *folder) declareLocals(d declaration, found *findings) {
	for _, block := range d.block.Body.Blocks {
		found.error(CodeUnknown, "", block.TypeRange, "A block in locals", "locals holds NAME = VALUE; %q is written as a block. For a map, write %s = { … }.", block.Type, block.Type)
	}
	for _, attr := range attributes(d.block.Body) {
		if found.name("local name", attr.Name, attr.NameRange, "") && f.once("local."+attr.Name, attr.NameRange, found) {
			f.locals = append(f.locals, local{name: attr.Name, expr: attr.Expr, at: attr.NameRange})
		}
	}
}

// names are those of one kind of block, sorted.
func (f *folder) names(kind string) []string {
	names := make([]string, 0, len(f.blocks[kind]))
	for _, d := range f.blocks[kind] {
		names = append(names, d.name)
	}
	slices.Sort(names)
	return names
}

// at is where an object of the folder was declared, whatever instance it is.
func (f *folder) at(addr spec.Address) hcl.Range {
	return f.places[addr.Kind()+"."+addr.Name()]
}

// attributes lists them in the order of the file; HCL keeps a map.
func attributes(body *hclsyntax.Body) []*hclsyntax.Attribute {
	list := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, attr := range body.Attributes {
		list = append(list, attr)
	}
	slices.SortFunc(list, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	return list
}
