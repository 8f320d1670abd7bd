package lang

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
)

// Signature is how a function is called.
type Signature struct {
	Name        string
	Description string
	RunTime     bool // also where a value is only known when a job runs
	Parameters  []Parameter
	Variadic    *Parameter      // any number more of these, nil = none
	Returns     json.RawMessage // a type as spec.Type; "dynamic" when it depends on the arguments
}

// Parameter is one argument of a function.
type Parameter struct {
	Name        string
	Description string
	Type        json.RawMessage
	Nullable    bool
}

// Signatures lists all functions of the language, sorted by name.
func Signatures() []Signature {
	all := eval.Functions(nil) // none of them is called
	list := make([]Signature, 0, len(all))
	for _, name := range all.Names() {
		s := special(name)
		if f, ok := all[name]; ok {
			s = signature(f.Impl)
		}
		s.Name, s.RunTime = name, expr.RunTimeFunctions().Has(name)
		list = append(list, s)
	}
	return list
}

func signature(f function.Function) Signature {
	s := Signature{Description: f.Description()}
	types := make([]cty.Type, 0, len(f.Params())+1)
	for _, p := range f.Params() {
		s.Parameters = append(s.Parameters, parameter(p))
		types = append(types, p.Type)
	}
	if p := f.VarParam(); p != nil {
		variadic := parameter(*p)
		s.Variadic = &variadic
		types = append(types, p.Type)
	}
	s.Returns = typeName(returned(f, types))
	return s
}

func parameter(p function.Parameter) Parameter {
	return Parameter{Name: p.Name, Description: p.Description, Type: typeName(p.Type), Nullable: p.AllowNull}
}

// returned is the type of a result when only the types of the arguments are
// known. Some functions look at values, and some cannot bear it that there are
// none: theirs depends.
func returned(f function.Function, types []cty.Type) (ty cty.Type) {
	defer func() {
		if recover() != nil {
			ty = cty.DynamicPseudoType
		}
	}()
	ty, err := f.ReturnType(types)
	if err != nil {
		return cty.DynamicPseudoType
	}
	return ty
}

func typeName(ty cty.Type) json.RawMessage {
	name, err := expr.EncodeType(ty)
	if err != nil {
		return json.RawMessage(`"dynamic"`)
	}
	return name
}

// special are functions that the evaluator carries out itself.
func special(name string) Signature {
	dynamic := json.RawMessage(`"dynamic"`)
	switch name {
	case "can":
		return Signature{
			Description: "Whether an expression can be evaluated.", Returns: json.RawMessage(`"bool"`),
			Parameters: []Parameter{{Name: "expression", Type: dynamic}},
		}
	case "try":
		return Signature{
			Description: "The first of several expressions that can be evaluated.", Returns: dynamic,
			Variadic: &Parameter{Name: "expressions", Type: dynamic},
		}
	}
	to := map[string]Signature{
		"tobool":   {Description: "A value as true or false.", Returns: json.RawMessage(`"bool"`)},
		"tolist":   {Description: "A value as a list.", Returns: json.RawMessage(`["list","dynamic"]`)},
		"tomap":    {Description: "A value as a map.", Returns: json.RawMessage(`["map","dynamic"]`)},
		"tonumber": {Description: "A value as a number.", Returns: json.RawMessage(`"number"`)},
		"toset":    {Description: "A value as a set: without doubles and without order.", Returns: json.RawMessage(`["set","dynamic"]`)},
		"tostring": {Description: "A value as text.", Returns: json.RawMessage(`"string"`)},
	}
	s := to[name]
	s.Parameters = []Parameter{{Name: "v", Type: dynamic, Nullable: true}}
	if s.Returns == nil {
		s.Returns = dynamic
	}
	return s
}
