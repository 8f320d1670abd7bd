package lang

import (
	"cmp"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// variables fills the variables of the project's folder. The order in which
// sources win is Terraform's: default, environment, lft.vars, *.auto.vars by name,
// -var and -var-file as they come.
func (l *loader) variables(w *worker) {
	voc, _ := l.voc.Block("variable")
	declared := map[string]*variable{}
	for _, d := range l.top.blocks["variable"] {
		l.found.check(voc, d.block, nil, spec.Address("var."+d.name))
		declared[d.name] = w.variable(d, voc)
	}
	for name, text := range l.opt.Env {
		if v, ok := declared[name]; ok { // others belong to other folders
			v.fromText(w, "LFT_VAR_"+name, text)
		}
	}
	for _, f := range l.variableFiles() {
		l.fromFile(w, f, declared)
	}
	for _, given := range l.opt.Given {
		l.given(w, given, declared)
	}
	l.ask(w, declared)
	for _, d := range l.top.blocks["variable"] {
		l.top.config.Vars[d.name] = declared[d.name].result(w)
		l.rule(l.top, declared[d.name])
	}
	l.warnUnread(declared)
}

// variable is one while its value is looked for.
type variable struct {
	addr      spec.Address
	at        hcl.Range
	ty        cty.Type
	typed     bool // a type is written
	defaults  *typeexpr.Defaults
	otherwise cty.Value // the default; NilVal: none
	value     cty.Value // NilVal: none yet
	refuses   bool      // nullable = false
	sensitive bool
	rules     []*hclsyntax.Block // validation
	broken    bool               // a fault was reported

	description string
}

func (w *worker) variable(d declaration, voc schema.Block) *variable {
	v := &variable{addr: spec.Address("var." + d.name), at: d.block.DefRange(), ty: cty.DynamicPseudoType}
	r := reader{w: w, addr: v.addr, voc: voc, body: d.block.Body}
	v.description, _ = r.text("description")
	v.sensitive = r.flag("sensitive")
	nullable, _, written := r.value("nullable")
	v.refuses = written && nullable.False()
	for _, b := range d.block.Body.Blocks {
		if b.Type == "validation" {
			v.rules = append(v.rules, b)
		}
	}
	if attr, ok := d.block.Body.Attributes["type"]; ok {
		v.typed = true
		ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
		if diags.HasErrors() {
			w.found.types(v.addr, attr, diags)
			v.broken = true
		} else {
			v.ty, v.defaults = ty, defaults
		}
	}
	if attr, ok := d.block.Body.Attributes["default"]; ok {
		value, ok := w.isolated(v.addr, attr.Expr)
		if !ok {
			v.broken = true
			return v
		}
		v.set(w, attr.Expr.Range(), "The default", value)
		v.otherwise = v.value
		if v.refuses && !v.broken && v.value.IsNull() {
			v.broken = true
			w.found.error(CodeValue, v.addr, attr.Expr.Range(), "Invalid default", "The default is null, but nullable = false takes none.")
		}
	}
	return v
}

// isolated evaluates what may mention nothing: defaults and variable files.
func (w *worker) isolated(addr spec.Address, x hclsyntax.Expression) (cty.Value, bool) {
	if found := eval.Find(x); len(found.References) > 0 {
		w.found.error(CodeReference, addr, found.References[0].Traversal.SourceRange(), "No references here", "The value of a variable cannot mention others. Use a local value for that.")
		return cty.DynamicVal, false
	}
	return w.value(addr, x, cty.DynamicPseudoType)
}

func (v *variable) set(w *worker, rng hcl.Range, source string, value cty.Value) {
	if v.defaults != nil && !value.IsNull() && value.IsKnown() {
		value = v.defaults.Apply(value)
	}
	literal := &hclsyntax.LiteralValueExpr{Val: value, SrcRange: rng}
	converted, err := w.evaluator.Eval(literal, v.ty)
	if err != nil {
		v.unsuitable(w, rng, "%s does not fit variable %q: %s", source, v.addr.Instance(), err.Detail)
		return
	}
	v.value = converted
}

// unsuitable does not show the source of a value that is sensitive.
func (v *variable) unsuitable(w *worker, rng hcl.Range, detail string, args ...any) {
	v.broken = true
	before := len(w.found.list)
	w.found.error(CodeVariable, v.addr, rng, "Unsuitable value", detail, args...)
	if v.sensitive && len(w.found.list) > before {
		w.found.list[before].Snippet = nil
	}
}

// fromText reads text from a command line or environment: as it is for simple
// types, else as an expression.
func (v *variable) fromText(w *worker, source, text string) {
	if v.ty.IsPrimitiveType() || !v.typed {
		v.set(w, hcl.Range{}, source, cty.StringVal(text))
		return
	}
	x, err := expr.Parse(text)
	if err == nil {
		if found := eval.Find(x); len(found.References) > 0 {
			err = &expr.Error{Summary: "a reference", Detail: "it can hold no references; texts stand in quotes."}
		}
	}
	var value cty.Value
	if err == nil {
		value, err = w.evaluator.Eval(x, cty.DynamicPseudoType)
	}
	if err != nil {
		reason := err.Error()
		if v.sensitive {
			reason = "the reason is not shown, because the variable is sensitive"
		}
		v.unsuitable(w, hcl.Range{}, "%s is read as an expression, because the type of variable %q is %s: %s", source, v.addr.Instance(), v.ty.FriendlyNameForConstraint(), reason)
		return
	}
	v.set(w, hcl.Range{}, source, value)
}

func (v *variable) result(w *worker) cty.Value {
	switch {
	case v.broken:
		return cty.DynamicVal
	case v.value == cty.NilVal && w.opt.Incomplete:
		return cty.UnknownVal(v.ty)
	case v.value == cty.NilVal:
		name := v.addr.Instance()
		w.found.error(CodeVariable, v.addr, v.at, "No value for the variable", "Variable %q has no default. Set it: -var %s=…, -var-file, or LFT_VAR_%s.%s", name, name, name, w.elsewhere(name))
		return cty.DynamicVal
	}
	value := v.value
	if v.refuses && value.IsNull() {
		if value = v.otherwise; value == cty.NilVal {
			w.found.error(CodeVariable, v.addr, v.at, "No value for the variable", "Variable %q was set to null, which nullable = false does not take, and it has no default.", v.addr.Instance())
			return cty.DynamicVal
		}
	}
	if v.sensitive {
		value = expr.MarkSensitive(value)
	}
	return value
}

// shownVariables are the folder's variables as a plan names them.
func (l *loader) shownVariables() []spec.Variable {
	var list []spec.Variable
	for _, name := range slices.Sorted(maps.Keys(l.top.config.Vars)) {
		value := l.top.config.Vars[name]
		v := spec.Variable{Name: name, Sensitive: expr.IsSensitive(value)}
		if !v.Sensitive && value.IsWhollyKnown() {
			if data, err := expr.Encode(value); err == nil {
				v.Value = data
			}
		}
		list = append(list, v)
	}
	return list
}

// ruled is a variable with rules of its own in a module.
type ruled struct {
	module   *module
	variable *variable
}

func (l *loader) rule(m *module, v *variable) {
	if len(v.rules) > 0 && !v.broken {
		l.rules = append(l.rules, ruled{m, v})
	}
}

// validate applies the rules of variables once all values are known: a rule may
// mention others.
func (l *loader) validate(w *worker) {
	for _, one := range l.rules {
		w.enter(one.module, nil)
		v := one.variable
		for _, rule := range v.rules {
			if attr, ok := rule.Body.Attributes["condition"]; ok && !v.mentions(attr.Expr) {
				w.found.error(CodeValue, v.addr, attr.Expr.Range(), "The condition says nothing of the variable", "A validation tests the value of its own variable, so it must mention var.%s.", v.addr.Instance())
				continue
			}
			w.require(CodeValidation, v.addr, rule, "Invalid value for the variable")
		}
	}
	w.enter(l.top, nil)
}

func (v *variable) mentions(x hclsyntax.Expression) bool {
	for _, m := range eval.Find(x).References {
		if name, _ := m.Attr(1); m.Root() == eval.VarRoot && name == v.addr.Instance() {
			return true
		}
	}
	return false
}

// variableFiles lists them in the order in which they are read.
func (l *loader) variableFiles() []*file {
	var files []*file
	fsys := l.mounts["."].fsys
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil // reported when the folder was read
	}
	var auto []string
	for _, entry := range entries {
		if isVariableFile(entry.Name()) && !entry.IsDir() {
			auto = append(auto, entry.Name())
		}
	}
	// lft.vars comes before those that are named after something.
	slices.SortFunc(auto, func(a, b string) int {
		named := func(name string) int { return strings.Count(strings.TrimSuffix(name, ".json"), ".auto.") }
		return cmp.Or(cmp.Compare(named(a), named(b)), cmp.Compare(a, b))
	})
	for _, name := range auto {
		f := &file{name: name, path: name}
		f.read(fsys)
		f.parse(variableWords())
		files = append(files, f)
	}
	return files
}

// variableWords: a variable file may hold any attribute.
func variableWords() schema.Block { return schema.Block{Open: true} }

// given takes what stands on the command line.
func (l *loader) given(w *worker, given Given, declared map[string]*variable) {
	if given.Data != nil {
		f := &file{name: given.Name, data: given.Data}
		f.parse(variableWords())
		l.fromFile(w, f, declared)
		return
	}
	name := given.Name
	v, ok := declared[name]
	if !ok {
		l.found.error(CodeVariable, "", hcl.Range{}, "Undeclared variable", "-var %s: the folder declares no variable %q.%s", name, name, eval.DidYouMean(name, slices.Sorted(maps.Keys(declared))))
		return
	}
	v.fromText(w, "-var "+name, given.Text)
}

func (l *loader) fromFile(w *worker, f *file, declared map[string]*variable) {
	if _, ok := l.found.files[f.name]; !ok {
		l.found.files[f.name] = f
	}
	f.report(l.found)
	if f.body == nil {
		return
	}
	for _, block := range f.body.Blocks {
		l.found.error(CodeVariable, "", block.TypeRange, "A block in a variable file", "A variable file holds NAME = VALUE; blocks belong into *.hcl files.")
	}
	for _, attr := range attributes(f.body) {
		v, ok := declared[attr.Name]
		if !ok {
			l.found.warn(CodeVariable, "", attr.NameRange, "Undeclared variable", "The folder declares no variable %q; the value is not used.%s", attr.Name, eval.DidYouMean(attr.Name, slices.Sorted(maps.Keys(declared))))
			continue
		}
		if value, ok := w.isolated(v.addr, attr.Expr); ok {
			v.set(w, attr.Expr.Range(), "The value", value)
		} else {
			v.broken = true
		}
	}
}

// types reports faults in a type.
func (f *findings) types(addr spec.Address, attr *hclsyntax.Attribute, diags hcl.Diagnostics) {
	hint := "Write string, number, bool, list(string), set(string), map(string) or object({ name = string })."
	if v, ok := constant(attr.Expr); ok && v.Type() == cty.String {
		hint = "Write the type without quotes: " + v.AsString() + "."
	}
	f.error(CodeValue, addr, attr.Expr.Range(), "Invalid type", "%s %s", diags[0].Detail, hint)
}
