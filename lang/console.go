package lang

import (
	"fmt"
	"io/fs"
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
// local values and functions. Inside the scope of a flow or a job it also has
// run.*, param.* and job.*, whose values are samples of the declared types.
type Console struct {
	loader *loader
	each   *eval.Each
	sample map[string]cty.Value // by root; nil without a scope
}

// NewConsole loads a folder. scope is "" or the address of a flow or a job. When
// something is wrong the console is nil.
func NewConsole(fsys fs.FS, opt Options, scope spec.Address) (*Console, diag.List) {
	bundle, list := Load(fsys, opt)
	if bundle == nil {
		return nil, list
	}
	l := newLoader(fsys, opt)
	l.whole = true
	if _, done := l.load(); !done {
		return nil, list
	}
	c := &Console{loader: l}
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
	w.each = c.each
	w.evaluator.SetResolver(func(t hcl.Traversal) (cty.Value, int, *expr.Error) { return c.resolve(w, t) })
	v, err := w.evaluator.Eval(x, cty.DynamicPseudoType)
	if err != nil {
		w.suggestFunction(err, x)
		found.fault("", err)
		return cty.NilVal, found.list
	}
	return v, found.list
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
	switch root {
	case expr.RunRoot, expr.ParamRoot, expr.JobRoot:
		return cty.DynamicVal, 1, &expr.Error{
			Code: CodeRunTime, Range: t.SourceRange(), Summary: "Only known when a job runs",
			Detail: fmt.Sprintf("%s.* has a value inside a job. With -scope=flow.NAME or -scope=flow.NAME.job.NAME, it has a sample of one.", root),
		}
	}
	return w.resolve(t)
}

// enter makes the samples of a flow or job.
func (c *Console) enter(bundle *spec.Bundle, scope spec.Address, found *findings) {
	fault := func(detail string, args ...any) {
		found.error(CodeReference, "", hcl.Range{}, "Unknown scope", detail, args...)
	}
	if kind := scope.Kind(); kind != spec.FlowKind && kind != spec.JobKind {
		fault("-scope=%s: a scope is the address of a flow or a job, such as flow.x or flow.x.job.y.", scope)
		return
	}
	var flow *spec.Flow
	var names []string
	for _, f := range bundle.Flows {
		if names = append(names, string(f.Address)); f.Address == scope.Flow() {
			flow = f
		}
	}
	if flow == nil {
		fault("-scope=%s: there is no flow %s.%s", scope, scope.Flow(), eval.DidYouMean(string(scope.Flow()), names))
		return
	}
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
