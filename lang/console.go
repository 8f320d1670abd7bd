package lang

import (
	"fmt"
	"io/fs"
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/format"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// consoleFile is the name of what is typed, in findings.
const consoleFile = "<console-input>"

// Console evaluates expressions as if they stood in a folder: with its variables,
// local values and functions, or with those of one of its modules. Inside the
// scope of a flow or a job it also has run.*, param.* and job.*, whose values are
// samples of the declared types.
type Console struct {
	loader *loader
	module *module
	each   *eval.Each
	sample map[string]cty.Value // by root; nil outside of flows
}

// NewConsole loads a folder. scope is "" or the address of a module, a flow or a
// job. When something is wrong the console is nil.
func NewConsole(fsys fs.FS, opt Options, scope spec.Address) (*Console, diag.List) {
	l, bundle, list := loadProject(fsys, opt, true)
	if bundle == nil {
		return nil, list
	}
	c := &Console{loader: l, module: l.top}
	if scope == "" {
		return c, list
	}
	found := newFindings(nil)
	c.enter(bundle, scope, found)
	if list = append(list, found.list...); list.HasErrors() {
		return nil, list
	}
	return c, list
}

// Eval evaluates one expression. A value may be sensitive, see expr.IsSensitive.
func (c *Console) Eval(source string) (cty.Value, diag.List) {
	f := &file{name: consoleFile, data: []byte(source)}
	found := newFindings(map[string]*file{consoleFile: f})
	x := c.parse(f, found)
	if x == nil {
		return cty.NilVal, found.list
	}
	w := c.loader.worker(found)
	w.enter(c.module, c.each)
	w.evaluator.SetResolver(func(t hcl.Traversal) (cty.Value, int, *expr.Error) { return c.resolve(w, t) })
	call, isCall := x.(*hclsyntax.FunctionCallExpr)
	ofType := isCall && call.Name == "type" && len(call.Args) == 1 && !call.ExpandFinal
	if ofType {
		x = call.Args[0]
	}
	v, err := w.evaluator.Eval(x, cty.DynamicPseudoType)
	if err != nil {
		w.suggestFunction(err, x)
		found.fault("", err)
		return cty.NilVal, found.list
	}
	if ofType {
		return cty.CapsuleVal(shownType, new(v.Type())), found.list
	}
	v = w.present(v, x.Range())
	return v, found.list
}

// present looks whether there is what a reference names. One to all instances
// becomes a reference to each.
func (w *worker) present(v cty.Value, rng hcl.Range) cty.Value {
	ref, ok := eval.AsReference(v)
	if !ok {
		return v
	}
	set, declared := w.sets[ref.Set()]
	if !declared || !set.keyed || ref.Key != "" {
		w.exists("", ref, rng)
		return v
	}
	each := map[string]cty.Value{}
	for key := range set.enabled {
		one := ref
		one.Key = key
		each[key] = one.Value()
	}
	return cty.ObjectVal(each)
}

// shownType holds the answer to type(EXPRESSION), which only a console knows.
var shownType = cty.Capsule("type", reflect.TypeFor[cty.Type]())

// ShownType returns the type that a console's value stands for, and false when it
// is a value.
func ShownType(v cty.Value) (cty.Type, bool) {
	if !v.Type().Equals(shownType) {
		return cty.NilType, false
	}
	ty, ok := v.EncapsulatedValue().(*cty.Type)
	return *ty, ok
}

func (c *Console) parse(f *file, found *findings) hclsyntax.Expression {
	if len(f.data) > format.MaxFile {
		f.tooLarge(int64(len(f.data)))
	} else if f.readable() && !format.File().Shallow(f.data) {
		if at, deep := format.File().CheckFile(f.data); deep {
			f.code, f.err = CodeLimit, expr.TooDeep(format.File(), f.at(at))
		}
	}
	if f.err == nil {
		x, diags := hclsyntax.ParseExpression(f.data, f.name, hcl.InitialPos)
		if f.errs = diags; !diags.HasErrors() {
			return x
		}
	}
	f.report(found)
	return nil
}

func (c *Console) resolve(w *worker, t hcl.Traversal) (cty.Value, int, *expr.Error) {
	root := t.RootName()
	if v, ok := c.sample[root]; ok {
		return v, 1, nil
	}
	if eval.IsRunTime(root) {
		return cty.DynamicVal, 1, &expr.Error{
			Code: CodeRunTime, Range: t.SourceRange(), Summary: "Only known when a job runs",
			Detail: fmt.Sprintf("%s.* has a value inside a job. With -scope=flow.NAME or -scope=flow.NAME.job.NAME, it has a sample of one.", root),
		}
	}
	return w.resolve(t)
}

// enter goes into a module, and makes the samples of a flow or job.
func (c *Console) enter(bundle *spec.Bundle, scope spec.Address, found *findings) {
	fault := func(detail string, args ...any) {
		found.error(CodeReference, "", hcl.Range{}, "Unknown scope", detail, args...)
	}
	kind, addr := scope.Kind(), scope.Module()
	if kind == spec.ModuleKind {
		addr = scope
	}
	i := slices.IndexFunc(c.loader.modules, func(m *module) bool { return m.addr == addr })
	switch {
	case kind != spec.FlowKind && kind != spec.JobKind && kind != spec.ModuleKind:
		fault("-scope=%s: a scope is the address of a module, a flow or a job, such as flow.x or flow.x.job.y.", scope)
		return
	case i < 0:
		fault("-scope=%s: there is no module %s.", scope, addr)
		return
	}
	if c.module = c.loader.modules[i]; kind == spec.ModuleKind {
		return
	}
	var names []string
	for _, f := range bundle.Flows {
		if f.Address == scope.Flow() {
			c.enterFlow(f, scope, fault)
			return
		}
		names = append(names, string(f.Address))
	}
	fault("-scope=%s: there is no flow %s.%s", scope, scope.Flow(), eval.DidYouMean(string(scope.Flow()), names))
}

func (c *Console) enterFlow(flow *spec.Flow, scope spec.Address, fault func(detail string, args ...any)) {
	self := ""
	if scope.Kind() == spec.JobKind {
		self = scope.Instance()
		if !slices.ContainsFunc(flow.Jobs, func(j *spec.Job) bool { return j.Name == self }) {
			fault("-scope=%s: %s has no job %q.", scope, flow.Address, self)
			return
		}
	}
	sample, err := samples(flow, self)
	if err != nil {
		fault("-scope=%s: %v.", scope, err)
		return
	}
	c.sample = sample
	c.each = c.instanceOf(scope)
}
