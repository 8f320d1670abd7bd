package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// Objects lists what is deployed, an address a line.
func Objects(t *Terminal, list []planner.Object, asJSON bool) error {
	if asJSON {
		type row struct {
			Address spec.Address `json:"address"`
			Type    string       `json:"type"`
			UID     string       `json:"uid"`
			Version int64        `json:"version"`
			Digest  string       `json:"digest"`
		}
		rows := make([]row, 0, len(list))
		for _, o := range list {
			rows = append(rows, row{o.Address, o.Address.Kind(), o.UID, o.Version, o.Digest})
		}
		return t.JSON(rows)
	}
	for _, o := range list {
		t.Printf("%s\n", o.Address)
	}
	return nil
}

// Object shows one deployed object as it would be written.
func Object(t *Terminal, o planner.Object, data []byte, asJSON bool) error {
	if asJSON {
		return t.JSON(newObjectJSON(o, data))
	}
	r := &planText{style: t.Style}
	r.line(r.style(bold, "# "+addressText(o.Address)+":") + " uid " + o.UID + ", last changed by revision " + strconv.FormatInt(o.Version, 10))
	r.written(objectBlock(o.Address, planner.MaskSpec(o.Address, data)))
	t.Printf("%s", r.b.String())
	return nil
}

// written shows a block as it stands in a file, without signs.
func (r *planText) written(b block) {
	inner := &planText{style: r.style, width: r.width}
	inner.object(same, b, "  ")
	r.line(outdent(inner.b.String(), 4))
}

// Outputs shows what a project publishes, sorted by name.
func Outputs(t *Terminal, list []*spec.ProjectOutput, asJSON bool) error {
	if asJSON {
		out := map[string]outputJSON{}
		for _, o := range list {
			out[o.Address.Name()] = outputJSON{Sensitive: len(o.Sensitive) > 0, Type: impliedType(o.Value), Value: o.Value}
		}
		return t.JSON(out)
	}
	if len(list) == 0 {
		t.Notef("The deployed project has no outputs.\n")
		return nil
	}
	for _, o := range list {
		text := outputText(o)
		if len(o.Sensitive) > 0 {
			text = sensitiveText
		}
		t.Printf("%s = %s\n", o.Address.Name(), text)
	}
	return nil
}

// outputText is a value as a console shows it.
func outputText(o *spec.ProjectOutput) string {
	v, err := expr.Decode(o.Value)
	if err != nil {
		return visible(string(o.Value))
	}
	return asWritten(v, 0)
}

type outputJSON struct {
	Sensitive bool            `json:"sensitive"`
	Type      json.RawMessage `json:"type"`
	Value     json.RawMessage `json:"value"`
}

// impliedType is the type of a value that says no more of it than its JSON does.
func impliedType(value json.RawMessage) json.RawMessage {
	ty, err := ctyjson.ImpliedType(value)
	if err != nil {
		return json.RawMessage(`"dynamic"`)
	}
	name, err := ctyjson.MarshalType(ty)
	if err != nil {
		return json.RawMessage(`"dynamic"`)
	}
	return name
}

// Output shows the value of one output, sensitive or not: it was asked for by its
// name. raw writes texts without quotes.
func Output(t *Terminal, o *spec.ProjectOutput, raw, asJSON bool) error {
	if asJSON {
		return t.JSON(o.Value)
	}
	if !raw {
		t.Printf("%s\n", outputText(o))
		return nil
	}
	var v any
	decoder := json.NewDecoder(bytes.NewReader(o.Value))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		t.Printf("%s", v)
	case bool, json.Number:
		t.Printf("%v", v)
	default:
		return fmt.Errorf("-raw writes a text, a number or a bool; output %q is neither. -json writes anything", o.Address.Name())
	}
	return nil
}
