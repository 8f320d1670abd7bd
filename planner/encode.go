package planner

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/leifengta/lft/lang/spec"
)

// Encode writes the plan document, one line with a newline at its end. Specs in
// it are the canonical bytes.
func Encode(p *Plan) ([]byte, error) {
	d := document{
		FormatVersion: FormatVersion,
		LftVersion:    p.LftVersion,
		Project:       p.Project,
		Folder:        p.Folder,
		Mode:          p.Mode,
		Adopt:         p.Adopt,
		Targets:       p.Targets,
		Excludes:      p.Excludes,
		Compared:      p.Compared,
		Changes:       make([]changeDocument, 0, len(p.Changes)),
		Checks:        checkDocuments(p.Checks),
		Uses:          p.Uses,
		Renames:       p.Renames,
		Warnings:      p.Warnings,
		Impact:        p.Impact,
		Summary:       p.Summary(),
		Masked:        p.Masked,
		Applyable:     p.Applyable(),
		Complete:      p.Complete(),
	}
	d.setVariables(p.Variables)
	trail := p.Trail()
	for _, c := range p.Changes {
		d.add(c, trail)
	}
	for _, drift := range p.Drift {
		d.Drift = append(d.Drift, drift.document())
	}
	for _, r := range p.Reads {
		d.Reads = append(d.Reads, readDocument{r.Address, r.UID, r.Version, r.Digest})
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // canonical bytes stay what they are
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("encode the plan: %w", err)
	}
	return buf.Bytes(), nil
}

func (d *document) setVariables(list []spec.Variable) {
	for _, v := range list {
		if d.Variables == nil {
			d.Variables = map[string]variableDocument{}
		}
		d.Variables[v.Name] = variableDocument{Value: v.Value, Sensitive: v.Sensitive}
	}
}

// add puts a change where Terraform has it: outputs apart from the rest.
func (d *document) add(c Change, trail Trail) {
	doc := describe(c, trail)
	if doc.Type != spec.OutputKind {
		d.Changes = append(d.Changes, doc)
		return
	}
	if d.Outputs == nil {
		d.Outputs = map[string]outputDocument{}
	}
	d.Outputs[doc.Name] = doc.output()
}

func newHead(addr spec.Address) head {
	_, index, _ := spec.SplitInstance(addr.Instance())
	return head{
		Address: addr, ModuleAddress: addr.Module(), Mode: "managed",
		Type: addr.Kind(), Name: addr.Name(), Index: index,
	}
}

func describe(c Change, trail Trail) changeDocument {
	d := changeDocument{head: newHead(c.Address())}
	switch c := c.(type) {
	case Create:
		d.Change.Actions = []string{actionCreate}
		d.setNew(c.New)
	case Delete:
		d.Change.Actions = []string{actionDelete}
		d.setOld(c.Old)
		d.Reason, d.Because = c.Reason, PlaceOf(c.Removed)
	case Update:
		d.setUpdate(c)
	case Move:
		d.setUpdate(c.Update)
		d.PreviousAddress, d.Because = c.Old.Address, PlaceOf(c.Moved)
	}
	if trail.quiet(c) {
		d.Change.Actions = []string{actionNoOp}
		d.Follows = trail.Follows(c)
	}
	d.Change.finish(c.Address())
	return d
}

func (d *changeDocument) setOld(old Previous) {
	d.UID, d.Version, d.Change.Before = old.UID, old.Version, old.Data
}

func (d *changeDocument) setNew(declared Declared) {
	d.Declared, d.Change.After = PlaceOf(declared.At), declared.Data
}

// finish adds what Terraform says about values beside them.
func (v *valueChange) finish(addr spec.Address) {
	v.BeforeSensitive = secretsOf(addr, v.Before).marks(v.Before)
	v.AfterSensitive = secretsOf(addr, v.After).marks(v.After)
	v.AfterUnknown = json.RawMessage("{}")
}

func (d *changeDocument) setUpdate(u Update) {
	d.Change.Actions = []string{actionUpdate}
	d.setOld(u.Old)
	d.setNew(u.New)
	d.Attributes = u.Attributes
	for _, j := range u.Jobs {
		d.Jobs = append(d.Jobs, jobDocument{
			Name: j.Name, Previous: j.Previous, Actions: actions(j.Before != nil, j.After != nil),
			Declared: PlaceOf(j.At), Attributes: j.Attributes,
		})
	}
	if len(u.Edges.Added)+len(u.Edges.Removed) > 0 {
		d.Edges = &edgeDocument{Added: u.Edges.Added, Removed: u.Edges.Removed}
	}
	for _, f := range u.Files {
		d.Files = append(d.Files, fileDocument{
			Path: f.Path, Actions: actions(f.Before != nil, f.After != nil),
			Before: (*fileSide)(f.Before), After: (*fileSide)(f.After),
		})
	}
}

func actions(before, after bool) []string {
	switch {
	case !before:
		return []string{actionCreate}
	case !after:
		return []string{actionDelete}
	}
	return []string{actionUpdate}
}

// output is the change by the value, as Terraform has it.
func (d *changeDocument) output() outputDocument {
	o := outputDocument{
		valueChange: valueChange{
			Actions: d.Change.Actions, Before: outputValue(d.Change.Before), After: outputValue(d.Change.After),
			AfterUnknown: json.RawMessage("false"),
		},
		UID: d.UID, Version: d.Version, Declared: d.Declared, Reason: d.Reason,
		Old: d.Change.Before, New: d.Change.After,
	}
	o.BeforeSensitive = secretsOf(d.Address, d.Change.Before).at("value").marks(o.Before)
	o.AfterSensitive = secretsOf(d.Address, d.Change.After).at("value").marks(o.After)
	return o
}

// outputValue is the value of an output's spec, nil without one.
func outputValue(data []byte) json.RawMessage {
	var o struct {
		Value json.RawMessage `json:"value"`
	}
	if len(data) == 0 || json.Unmarshal(data, &o) != nil {
		return nil
	}
	return o.Value
}

func (d *Drift) document() driftDocument {
	doc := driftDocument{head: newHead(d.Object.Address), Override: d.Override, Lost: d.Lost}
	doc.UID, doc.Version = d.Object.UID, d.Object.Version
	doc.Change = valueChange{Actions: []string{actionDelete}, Before: d.Object.Data}
	if d.Override != nil {
		doc.Change.Actions = []string{actionUpdate}
		doc.Change.After = with(d.Object.Data, d.Override.Field, d.Override.Value)
	}
	doc.Change.finish(d.Object.Address)
	return doc
}

// with is an object with one member set.
func with(data []byte, name string, value json.RawMessage) json.RawMessage {
	members := map[string]json.RawMessage{}
	if json.Unmarshal(data, &members) != nil {
		return data
	}
	members[name] = value
	return encodeAny(members)
}

func checkDocuments(list []Check) []checkDocument {
	var out []checkDocument
	for _, c := range list {
		display := "check." + c.Name
		one := checkInstance{Address: checkAddress{ToDisplay: display}, Status: statusPass}
		for _, text := range c.Problems {
			one.Status = statusFail
			one.Problems = append(one.Problems, checkProblem{text})
		}
		out = append(out, checkDocument{
			Address: checkAddress{Kind: "check", Name: c.Name, ToDisplay: display},
			Status:  one.Status, Declared: PlaceOf(c.At), Instances: []checkInstance{one},
		})
	}
	return out
}
