package view

import (
	"encoding/json"
	"strings"

	"github.com/leifengta/lft/lang"
)

type signatureJSON struct {
	Description string          `json:"description,omitempty"`
	ReturnType  json.RawMessage `json:"return_type"`
	Parameters  []parameterJSON `json:"parameters,omitempty"`
	Variadic    *parameterJSON  `json:"variadic_parameter,omitempty"`
	RunTime     bool            `json:"run_time"`
}

type parameterJSON struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Nullable    bool            `json:"is_nullable,omitempty"`
	Type        json.RawMessage `json:"type"`
}

// Functions shows how functions are called, in JSON in Terraform's shape. One
// alone is shown with what its parameters mean.
func Functions(t *Terminal, list []lang.Signature, asJSON bool) error {
	if asJSON {
		out := struct {
			FormatVersion string                   `json:"format_version"`
			Signatures    map[string]signatureJSON `json:"function_signatures"`
		}{"1.0", map[string]signatureJSON{}}
		for _, s := range list {
			j := signatureJSON{Description: s.Description, ReturnType: s.Returns, RunTime: s.RunTime}
			for _, p := range s.Parameters {
				j.Parameters = append(j.Parameters, toJSON(p))
			}
			if s.Variadic != nil {
				j.Variadic = new(toJSON(*s.Variadic))
			}
			out.Signatures[s.Name] = j
		}
		return t.JSON(out)
	}
	if len(list) == 1 {
		oneFunction(t, list[0])
		return nil
	}
	var rows table
	for _, s := range list {
		rows.row(cell{text: call(s), style: bold}, cell{text: s.Description})
	}
	rows.show(t)
	return nil
}

func toJSON(p lang.Parameter) parameterJSON {
	return parameterJSON{Name: p.Name, Description: p.Description, Nullable: p.Nullable, Type: p.Type}
}

func oneFunction(t *Terminal, s lang.Signature) {
	t.Printf("%s → %s\n", t.Style(bold, call(s)), typeValue(s.Returns))
	for _, line := range wrap(s.Description, t.width-2) {
		t.Printf("  %s\n", line)
	}
	parameters := s.Parameters
	if s.Variadic != nil {
		parameters = append(parameters[:len(parameters):len(parameters)], *s.Variadic)
	}
	var rows table
	for _, p := range parameters {
		rows.row(cell{text: "  " + p.Name}, cell{text: typeValue(p.Type)}, cell{text: p.Description, style: faint})
	}
	if len(parameters) > 0 {
		t.Printf("\n")
	}
	rows.show(t)
	if !s.RunTime {
		t.Printf("\n  Not in values that are only known when a job runs.\n")
	}
}

// call is a call with the names of the parameters for arguments.
func call(s lang.Signature) string {
	names := make([]string, 0, len(s.Parameters)+1)
	for _, p := range s.Parameters {
		names = append(names, p.Name)
	}
	if s.Variadic != nil {
		names = append(names, s.Variadic.Name+"...")
	}
	return s.Name + "(" + strings.Join(names, ", ") + ")"
}
