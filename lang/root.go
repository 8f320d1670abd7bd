package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// declaration is a block at the top level with the file it stands in.
type declaration struct {
	file  *file
	block *hclsyntax.Block
	name  string // its label
}

// root is what the files of a folder declare, each list in the order of files.
type root struct {
	lft       *declaration
	variables []declaration
	locals    []eval.Local
	flows     []declaration
	schedules []declaration
	pools     []declaration
	flowNames []string             // of those decoded
	places    map[string]hcl.Range // by kind.name, of the first of its name
}

// at is where an object was declared, whatever instance it is.
func (r *root) at(addr spec.Address) hcl.Range {
	return r.places[addr.Kind()+"."+addr.Name()]
}

// collect sorts the blocks of a file and checks what can be checked without
// values: words, labels, names, doubles.
func (l *loader) collect(f *file) {
	voc := l.voc
	for _, attr := range attributes(f.body) {
		l.found.error(CodeUnknown, "", attr.NameRange, "An attribute outside of a block", "%q cannot stand here: a file holds blocks, such as flow \"name\" { … }.", attr.Name)
	}
	for _, block := range f.body.Blocks {
		kind, ok := voc.Block(block.Type)
		if !ok {
			l.found.unknownBlock(voc, block, "")
			continue
		}
		if !l.found.labels(kind, block, "") {
			continue
		}
		d := declaration{file: f, block: block}
		if len(block.Labels) > 0 {
			d.name = block.Labels[0]
		}
		l.declare(d)
	}
}

func (l *loader) declare(d declaration) {
	if d.name != "" && !l.first(d.block.Type+"."+d.name, d.block.LabelRanges[0]) {
		return
	}
	switch d.block.Type {
	case "lft":
		if l.first("lft", d.block.TypeRange) {
			l.root.lft = &d
		}
	case "variable":
		l.root.variables = append(l.root.variables, d)
	case "locals":
		l.locals(d)
	case "flow":
		l.root.flows = append(l.root.flows, d)
	case "schedule":
		l.root.schedules = append(l.root.schedules, d)
	case "pool":
		l.root.pools = append(l.root.pools, d)
	}
}

// first reports a second declaration of a name.
func (l *loader) first(what string, rng hcl.Range) bool {
	if l.root.places == nil {
		l.root.places = map[string]hcl.Range{}
	}
	if before, ok := l.root.places[what]; ok {
		l.found.error(CodeDuplicate, "", rng, "Declared twice", "%s is already declared at %s:%d.", what, before.Filename, before.Start.Line)
		return false
	}
	l.root.places[what] = rng
	return true
}

func (l *loader) locals(d declaration) {
	for _, block := range d.block.Body.Blocks {
		l.found.error(CodeUnknown, "", block.TypeRange, "A block in locals", "locals holds NAME = VALUE; %q is written as a block. For a map, write %s = { … }.", block.Type, block.Type)
	}
	for _, attr := range attributes(d.block.Body) {
		if l.found.name("local name", attr.Name, attr.NameRange, "") && l.first("local."+attr.Name, attr.NameRange) {
			l.root.locals = append(l.root.locals, eval.Local{Name: attr.Name, Expr: attr.Expr, Range: attr.NameRange})
		}
	}
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

// labels checks their number and form.
func (f *findings) labels(kind schema.Block, block *hclsyntax.Block, addr spec.Address) bool {
	if len(block.Labels) != len(kind.Labels) {
		want := "takes no label"
		if len(kind.Labels) > 0 {
			want = fmt.Sprintf("is written %s \"%s\" { … }", kind.Name, strings.Join(kind.Labels, `" "`))
		}
		f.error(CodeMissing, addr, block.DefRange(), "Wrong labels", "%s %s.", kind.Name, want)
		return false
	}
	ok := true
	for i, label := range block.Labels {
		ok = f.name(kind.Name+" "+kind.Labels[i], label, block.LabelRanges[i], addr) && ok
	}
	return ok
}

func (f *findings) name(what, name string, rng hcl.Range, addr spec.Address) bool {
	if spec.ValidName(name) {
		return true
	}
	f.error(CodeName, addr, rng, "Invalid name", "%q is no %s: a name starts with a lower-case letter, followed by lower-case letters, digits, _ or -, at most %d in all.", name, what, spec.MaxName)
	return false
}

func (f *findings) unknownBlock(voc schema.Block, block *hclsyntax.Block, addr spec.Address) {
	names := make([]string, 0, len(voc.Blocks))
	for _, b := range voc.Blocks {
		names = append(names, b.Name)
	}
	where := "in " + voc.Name
	if voc.Name == "" {
		where = "at the top level of a file"
	}
	_, isAttribute := voc.Attribute(block.Type)
	switch {
	case voc.IsLater(block.Type):
		f.error(CodeUnsupported, addr, block.TypeRange, "Unsupported block", "%q is not supported by this version of lft.", block.Type)
	case isAttribute:
		f.error(CodeUnknown, addr, block.TypeRange, "Unknown block", "%q is an attribute, not a block: write %s = { … }.", block.Type, block.Type)
	default:
		f.error(CodeUnknown, addr, block.TypeRange, "Unknown block", "There is no block %q %s.%s", block.Type, where, eval.DidYouMean(block.Type, names))
	}
}

func (f *findings) unknownAttribute(voc schema.Block, more []schema.Attribute, attr *hclsyntax.Attribute, addr spec.Address) {
	names := make([]string, 0, len(voc.Attributes)+len(more))
	for _, a := range slices.Concat(voc.Attributes, more) {
		names = append(names, a.Name)
	}
	_, isBlock := voc.Block(attr.Name)
	switch {
	case voc.IsLater(attr.Name):
		f.error(CodeUnsupported, addr, attr.NameRange, "Unsupported attribute", "%q is not supported by this version of lft.", attr.Name)
	case isBlock:
		f.error(CodeUnknown, addr, attr.NameRange, "Unknown attribute", "%q is a block, not an attribute: write %s { … } without an equals sign.", attr.Name, attr.Name)
	default:
		f.error(CodeUnknown, addr, attr.NameRange, "Unknown attribute", "There is no attribute %q in %s.%s", attr.Name, voc.Name, eval.DidYouMean(attr.Name, names))
	}
}
