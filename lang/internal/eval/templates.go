package eval

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/format"
)

// maxTemplateSteps bounds what all templates of one worker take together.
const maxTemplateSteps = 500_000

// templates evaluates templates with values of their own. A template sees no
// variables, locals or jobs, and cannot call templates.
type templates struct {
	files     *files
	functions expr.Functions // without templates
	left      int            // steps that all templates together may still take

	file, string function.Function
}

func newTemplates(files *files, functions expr.Functions) *templates {
	t := &templates{files: files, functions: maps.Clone(functions), left: maxTemplateSteps}
	t.file = t.function("The text of a file with its interpolations evaluated.", "path", func(arg string) (string, string, error) {
		name, err := files.inside(arg)
		if err != nil {
			return "", "", err
		}
		text, err := files.content(name)
		if err != nil {
			return "", "", err
		}
		return name, text.AsString(), nil
	})
	t.string = t.function("A text with its interpolations evaluated.", "template", func(arg string) (string, string, error) {
		return "the template", arg, nil
	})
	return t
}

func (t *templates) function(description, param string, source func(arg string) (name, text string, err error)) function.Function {
	render := func(args []cty.Value) (cty.Value, error) {
		name, text, err := source(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return t.render(name, text, args[1])
	}
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{{Name: param, Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType, Description: "An object: what the template may use."}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsWhollyKnown() || !args[1].IsWhollyKnown() {
				return cty.DynamicPseudoType, nil
			}
			v, err := render(args)
			return v.Type(), err
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return render(args) },
	})
}

func (t *templates) render(name, source string, vars cty.Value) (cty.Value, error) {
	if ty := vars.Type(); vars.IsNull() || !ty.IsObjectType() && !ty.IsMapType() {
		return cty.NilVal, function.NewArgErrorf(1, "it must be an object, such as { name = \"value\" }")
	}
	values := vars.AsValueMap()
	for key := range values {
		if !hclsyntax.ValidIdentifier(key) {
			return cty.NilVal, function.NewArgErrorf(1, "%q is no name that a template can use", key)
		}
	}
	x, fault := expr.ParseTemplate([]byte(source), name, format.File())
	if fault != nil {
		return cty.NilVal, t.placed(name, fault)
	}
	limits := Limits()
	limits.Steps = t.left
	e := expr.NewEvaluator(limits, t.functions, func(tr hcl.Traversal) (cty.Value, int, *expr.Error) {
		v, ok := values[tr.RootName()]
		if !ok {
			return cty.DynamicVal, 1, &expr.Error{
				Code: CodeReference, Range: tr.SourceRange(), Summary: "Unknown name",
				Detail: fmt.Sprintf("The template was not given %q.%s", tr.RootName(), DidYouMean(tr.RootName(), slices.Sorted(maps.Keys(values)))),
			}
		}
		return v, 1, nil
	})
	v, fault := e.Eval(x, cty.DynamicPseudoType)
	t.left = max(0, e.Left())
	if fault != nil {
		return cty.NilVal, t.placed(name, fault)
	}
	return v, nil
}

func (t *templates) placed(name string, fault *expr.Error) error {
	if fault.Summary == expr.UnknownFunction {
		return fmt.Errorf("%s:%d: %s Templates cannot call templates", name, fault.Range.Start.Line, fault.Detail)
	}
	return fmt.Errorf("%s:%d: %w", name, fault.Range.Start.Line, errors.New(fault.Error()))
}

// bound lets the template's own evaluation find out; what it makes is measured.
func (t *templates) bound([]cty.Value, int) (int, error) { return 64 << 10, nil }
