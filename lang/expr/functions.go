package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Function is a pure function with the worst case of what it makes.
type Function struct {
	Impl function.Function
	// Bound returns the size, in bytes, that the result cannot exceed; size is
	// that of all arguments, which are wholly known. An error refuses the call.
	// Nil: the result is no larger than the arguments.
	Bound func(args []cty.Value, size int) (int, error)
}

// Functions is a set of functions by name. It is read only.
type Functions map[string]Function

// Names returns all that can be called, sorted: the functions, conversions, try
// and can.
func (f Functions) Names() []string {
	names := slices.AppendSeq([]string{"can", "try"}, maps.Keys(f))
	names = slices.AppendSeq(names, maps.Keys(conversions))
	slices.Sort(names)
	return names
}

// Has reports whether a name can be called.
func (f Functions) Has(name string) bool {
	_, function := f[name]
	_, conversion := conversions[name]
	return function || conversion || name == "can" || name == "try"
}

// UnknownFunction is the Summary of a call of a function that is not there.
const UnknownFunction = "Unknown function"

// FunctionNames returns all that the evaluator can call, sorted.
func (e *Evaluator) FunctionNames() []string { return e.functions.Names() }

// RunTimeFunctions returns the functions of run-time expressions.
func RunTimeFunctions() Functions { return runTime }

// absent says that a function is not there, and why not when Terraform has it.
func absent(name string) string {
	why := ""
	switch name {
	case "timestamp", "plantimestamp":
		why = " Equal files must give an equal plan, so nothing reads the clock; a job knows run.scheduled_for."
	case "uuid", "bcrypt":
		why = " Equal files must give an equal plan, so nothing is made by chance; uuidv5 and the hashes give the same for the same."
	case "abspath", "pathexpand":
		why = " Equal files must give an equal plan on every machine; paths are relative to the folder."
	case "ephemeralasnull":
		why = " No value is ephemeral; sensitive values are masked wherever they are shown."
	case "rsadecrypt":
		why = " A decrypted secret would lie open in the state."
	}
	return fmt.Sprintf("There is no function named %q here.%s", name, why)
}

func (e *Evaluator) call(x *hclsyntax.FunctionCallExpr) (cty.Value, *Error) {
	switch x.Name {
	case "try":
		return e.try(x)
	case "can":
		return e.can(x)
	}
	if ty, ok := conversions[x.Name]; ok {
		return e.conversion(x, ty)
	}
	f, ok := e.functions[x.Name]
	if !ok {
		return cty.DynamicVal, &Error{Range: x.NameRange, Summary: UnknownFunction, Detail: absent(x.Name)}
	}
	args, ranges, marks, err := e.arguments(x)
	if err != nil {
		return cty.DynamicVal, err
	}
	if args == nil {
		return cty.DynamicVal.WithMarks(marks), nil
	}
	if err := e.fit(x, f.Impl, args, ranges); err != nil {
		return cty.DynamicVal, err
	}
	known, err := e.afford(x, f, args)
	if err != nil {
		return cty.DynamicVal, err
	}
	v, callErr := f.Impl.Call(args)
	if callErr == nil && known && !v.IsWhollyKnown() {
		// Of an unknown value nothing is reported: it would be gone without a word.
		callErr = errUndecided
	}
	if callErr != nil {
		return cty.DynamicVal, e.callError(x, callErr, args, ranges)
	}
	return e.made(x.Range(), v.WithMarks(marks))
}

var errUndecided = errors.New("its arguments do not decide the result; one of them may be null")

// arguments evaluates them; nil means that an expanded one is not known. The
// marks are those of the expanded one as a whole.
func (e *Evaluator) arguments(x *hclsyntax.FunctionCallExpr) (args []cty.Value, ranges []hcl.Range, marks cty.ValueMarks, err *Error) {
	args = make([]cty.Value, 0, len(x.Args))
	ranges = make([]hcl.Range, 0, len(x.Args))
	for i, arg := range x.Args {
		v, err := e.eval(arg)
		if err != nil {
			return nil, nil, nil, err
		}
		if !x.ExpandFinal || i < len(x.Args)-1 {
			args, ranges = append(args, v), append(ranges, arg.Range())
			continue
		}
		v, marks = v.Unmark()
		ty := v.Type()
		switch {
		case v.IsNull() || ty != cty.DynamicPseudoType && !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType():
			return nil, nil, nil, &Error{Range: arg.Range(), Summary: "Invalid expansion", Detail: "Only a list, set or tuple can be expanded by \"...\"."}
		case !v.IsKnown():
			return nil, nil, marks, nil
		}
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			args, ranges = append(args, element), append(ranges, arg.Range())
		}
	}
	return args, ranges, marks, nil
}

// maxArguments keeps what cty does with pairs of arguments small.
const maxArguments = 1000

// fit converts the arguments in place to the types of the parameters.
func (e *Evaluator) fit(x *hclsyntax.FunctionCallExpr, f function.Function, args []cty.Value, ranges []hcl.Range) *Error {
	params, rest := f.Params(), f.VarParam()
	if len(args) < len(params) || rest == nil && len(args) > len(params) {
		return &Error{Range: x.Range(), Summary: "Wrong number of arguments", Detail: fmt.Sprintf("Function %q takes %s, not %d.", x.Name, arity(len(params), rest != nil), len(args))}
	}
	if len(args) > maxArguments {
		return &Error{Range: x.Range(), Limit: true, Summary: "Too many arguments", Detail: fmt.Sprintf("A function takes at most %d.", maxArguments)}
	}
	for i := range args {
		p := rest
		if i < len(params) {
			p = &params[i]
		}
		v, err := e.convert(ranges[i], args[i], p.Type)
		if err != nil {
			if !err.Limit {
				err.Summary, err.Detail = "Invalid function argument", fmt.Sprintf("Invalid value for %q of %s: %s", p.Name, x.Name, lowerFirst(err.Detail))
			}
			return err
		}
		if v.IsNull() && !p.AllowNull {
			return &Error{Range: ranges[i], Summary: "Invalid function argument", Detail: fmt.Sprintf("Invalid value for %q of %s: it is null.", p.Name, x.Name)}
		}
		args[i] = v
	}
	return nil
}

// afford refuses a call that could make more than the limits allow, as far as the
// arguments are known.
func (e *Evaluator) afford(x *hclsyntax.FunctionCallExpr, f Function, args []cty.Value) (known bool, _ *Error) {
	size, marked := 0, false
	for _, arg := range args {
		if !arg.IsWhollyKnown() {
			return false, e.spend(x.Range(), 0)
		}
		m := meter{left: e.limits.Size}
		m.add(arg)
		size += e.limits.Size - m.left
		marked = marked || m.marked || m.left < 0
	}
	if size > 2*e.limits.Size {
		return true, tooLarge(x.Range(), e.limits.Size)
	}
	bound := min(size, e.limits.Size)
	if f.Bound != nil {
		plain := args
		if marked {
			plain, marked = revealAll(args)
		}
		var err error
		if bound, err = f.Bound(plain, size); err != nil {
			return true, &Error{Range: x.Range(), Summary: "Error in function call", Detail: callFailed(x.Name, err.Error()+".", marked)}
		}
	}
	if err := e.spend(x.Range(), bound); err != nil {
		if bound > e.limits.Size {
			err.Detail = fmt.Sprintf("Function %q could make %d bytes of these arguments, more than %d.", x.Name, bound, e.limits.Size)
		}
		return true, err
	}
	return true, nil
}

func (e *Evaluator) callError(x *hclsyntax.FunctionCallExpr, err error, args []cty.Value, ranges []hcl.Range) *Error {
	rng := x.Range()
	if arg, ok := err.(function.ArgError); ok && arg.Index < len(ranges) { //nolint:errorlint // cty returns it bare
		rng = ranges[arg.Index]
	}
	_, marked := revealAll(args)
	return &Error{Range: rng, Summary: "Error in function call", Detail: callFailed(x.Name, lowerFirst(sentence(err)), marked)}
}

// callFailed keeps the reason to itself where it could quote what is sensitive.
func callFailed(name, reason string, marked bool) string {
	if marked {
		reason = "the reason is not shown, because an argument is sensitive."
	}
	return fmt.Sprintf("Call to function %q failed: %s", name, reason)
}

// try returns the first argument that can be evaluated. When that is not known
// yet, a later one may win; then the result has the type they share, or any.
func (e *Evaluator) try(x *hclsyntax.FunctionCallExpr) (cty.Value, *Error) {
	if len(x.Args) == 0 || x.ExpandFinal {
		return cty.DynamicVal, &Error{Range: x.Range(), Summary: "Wrong number of arguments", Detail: "Function \"try\" takes at least one, each written out."}
	}
	var last *Error
	var marks []cty.ValueMarks // of all that may be the result
	maybe := cty.NilType
	for _, arg := range x.Args {
		depth := len(e.locals)
		v, err := e.eval(arg)
		e.locals = e.locals[:depth]
		switch {
		case err != nil && err.Limit:
			return cty.DynamicVal, err
		case err != nil:
			last = err
			continue
		case maybe == cty.NilType && v.IsWhollyKnown():
			return v, nil
		case maybe == cty.NilType:
			maybe = v.Type()
		case !maybe.Equals(v.Type()):
			maybe = cty.DynamicPseudoType
		}
		_, deep := v.UnmarkDeep()
		marks = append(marks, deep)
	}
	if maybe != cty.NilType {
		return cty.UnknownVal(maybe).WithMarks(marks...), nil
	}
	return cty.DynamicVal, &Error{Range: x.Range(), Summary: "No argument could be evaluated", Detail: fmt.Sprintf("The last one failed: %s", last.Error())}
}

func (e *Evaluator) can(x *hclsyntax.FunctionCallExpr) (cty.Value, *Error) {
	if len(x.Args) != 1 || x.ExpandFinal {
		return cty.DynamicVal, &Error{Range: x.Range(), Summary: "Wrong number of arguments", Detail: "Function \"can\" takes one."}
	}
	depth := len(e.locals)
	v, err := e.eval(x.Args[0])
	e.locals = e.locals[:depth]
	switch {
	case err != nil && err.Limit:
		return cty.DynamicVal, err
	case err != nil:
		return cty.False, nil //nolint:nilerr // that there is one is the answer
	case !v.IsWhollyKnown():
		return cty.UnknownVal(cty.Bool), nil
	}
	return cty.True, nil
}

func (e *Evaluator) conversion(x *hclsyntax.FunctionCallExpr, want cty.Type) (cty.Value, *Error) {
	if len(x.Args) != 1 || x.ExpandFinal {
		return cty.DynamicVal, &Error{Range: x.Range(), Summary: "Wrong number of arguments", Detail: fmt.Sprintf("Function %q takes one.", x.Name)}
	}
	v, err := e.eval(x.Args[0])
	if err != nil {
		return v, err
	}
	if v.Type() == cty.DynamicPseudoType && !v.IsNull() {
		return cty.UnknownVal(want), nil
	}
	return e.convert(x.Args[0].Range(), v, want)
}

func arity(n int, more bool) string {
	switch {
	case more:
		return fmt.Sprintf("at least %d", n)
	case n == 1:
		return "one"
	}
	return fmt.Sprint(n)
}

func lowerFirst(s string) string {
	if s == "" || len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	if s[0] >= 'A' && s[0] <= 'Z' {
		return string(s[0]+'a'-'A') + s[1:]
	}
	return s
}
