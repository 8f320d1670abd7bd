package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// FormatVersion is the version of the plan document. A reader ignores members it
// does not know of the same major version, and refuses another major version.
const FormatVersion = "1.0"

// document is the JSON form of a Plan. Names are Terraform's where it has one.
type document struct {
	FormatVersion string           `json:"format_version"`
	LftVersion    string           `json:"lft_version"`
	Project       projectDocument  `json:"project"`
	Folder        folderDocument   `json:"folder"`
	Destroy       bool             `json:"destroy"`
	Adopt         bool             `json:"adopt"`
	Changes       []changeDocument `json:"resource_changes"`
	Impact        Impact           `json:"impact"`
	Summary       Summary          `json:"summary"`
	Applyable     bool             `json:"applyable"`
	Complete      bool             `json:"complete"`
	Errored       bool             `json:"errored"`
}

type projectDocument struct {
	Name     string `json:"name"`
	UID      string `json:"uid,omitempty"`
	Lineage  string `json:"lineage,omitempty"`
	Origin   string `json:"origin,omitempty"`
	Revision int64  `json:"revision"`
}

type folderDocument struct {
	Lineage string `json:"lineage"`
	Origin  string `json:"origin"`
}

type changeDocument struct {
	Address         spec.Address `json:"address"`
	PreviousAddress spec.Address `json:"previous_address,omitempty"`
	Mode            string       `json:"mode"`
	Type            string       `json:"type"`
	Name            string       `json:"name"`
	Index           string       `json:"index,omitempty"`
	UID             string       `json:"uid,omitempty"`
	Version         int64        `json:"version,omitempty"` // of the deployed object
	Reason          string       `json:"action_reason,omitempty"`
	Change          valueChange  `json:"change"`
	Attributes      []Attribute  `json:"attributes,omitempty"`
	Jobs            []jobChange  `json:"jobs,omitempty"`
	Edges           *edgeChange  `json:"edges,omitempty"`
}

type valueChange struct {
	Actions         []string        `json:"actions"`
	Before          json.RawMessage `json:"before"`
	After           json.RawMessage `json:"after"`
	AfterUnknown    struct{}        `json:"after_unknown"`
	BeforeSensitive struct{}        `json:"before_sensitive"`
	AfterSensitive  struct{}        `json:"after_sensitive"`
}

type jobChange struct {
	Name       string      `json:"name"`
	Actions    []string    `json:"actions"`
	Attributes []Attribute `json:"attributes,omitempty"`
}

type edgeChange struct {
	Added   []Edge `json:"added,omitempty"`
	Removed []Edge `json:"removed,omitempty"`
}

// The words of "actions".
const (
	actionCreate = "create"
	actionUpdate = "update"
	actionDelete = "delete"
	actionNoOp   = "no-op" // a Move that changes nothing else
)

const reasonUndeclared = "delete_because_no_resource_config"

// Encode writes the plan document, one line with a newline at its end. Specs in
// it are the canonical bytes.
func Encode(p *Plan) ([]byte, error) {
	d := document{
		FormatVersion: FormatVersion,
		LftVersion:    p.LftVersion,
		Project:       projectDocument(p.Project),
		Folder:        folderDocument(p.Folder),
		Destroy:       p.Destroy,
		Adopt:         p.Adopt,
		Changes:       make([]changeDocument, 0, len(p.Changes)),
		Impact:        p.Impact,
		Summary:       p.Summary(),
		Applyable:     len(p.Changes) > 0,
		Complete:      true,
	}
	for _, c := range p.Changes {
		d.Changes = append(d.Changes, describe(c, p.Destroy))
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // canonical bytes stay what they are
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("encode the plan: %w", err)
	}
	return buf.Bytes(), nil
}

func describe(c Change, destroy bool) changeDocument {
	addr := c.Address()
	_, index, _ := spec.SplitInstance(addr.Instance())
	d := changeDocument{Address: addr, Mode: "managed", Type: addr.Kind(), Name: addr.Name(), Index: index}
	switch c := c.(type) {
	case Create:
		d.Change = valueChange{Actions: []string{actionCreate}, After: c.New.Data}
	case Delete:
		d.Change = valueChange{Actions: []string{actionDelete}}
		d.setPrevious(c.Old)
		if !destroy {
			d.Reason = reasonUndeclared
		}
	case Update:
		d.setUpdate(c)
	case Move:
		d.setUpdate(c.Update)
		d.PreviousAddress = c.Old.Address
		if c.Old.Digest == c.New.Digest {
			d.Change.Actions = []string{actionNoOp}
		}
	}
	return d
}

func (d *changeDocument) setPrevious(old Previous) {
	d.UID, d.Version, d.Change.Before = old.UID, old.Version, old.Data
}

func (d *changeDocument) setUpdate(u Update) {
	d.Change = valueChange{Actions: []string{actionUpdate}, After: u.New.Data}
	d.setPrevious(u.Old)
	d.Attributes = u.Attributes
	for _, j := range u.Jobs {
		action := actionUpdate
		switch {
		case j.Before == nil:
			action = actionCreate
		case j.After == nil:
			action = actionDelete
		}
		d.Jobs = append(d.Jobs, jobChange{Name: j.Name, Actions: []string{action}, Attributes: j.Attributes})
	}
	if len(u.Edges.Added)+len(u.Edges.Removed) > 0 {
		d.Edges = &edgeChange{Added: u.Edges.Added, Removed: u.Edges.Removed}
	}
}

// Decode reads what Encode wrote. What is derived, attributes and counts, is
// worked out again from the specs, so that nothing is shown that is not applied.
func Decode(data []byte) (*Plan, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("this is no plan of lft: %w", err)
	}
	if major, _, _ := strings.Cut(d.FormatVersion, "."); major != "1" {
		return nil, fmt.Errorf("the plan has format version %q; this lft reads version 1", d.FormatVersion)
	}
	p := &Plan{
		LftVersion: d.LftVersion,
		Project:    Project(d.Project),
		Folder:     Folder(d.Folder),
		Destroy:    d.Destroy,
		Adopt:      d.Adopt,
		Impact:     d.Impact,
	}
	if p.Project.Name == "" {
		return nil, errors.New("the plan names no project")
	}
	for i := range d.Changes {
		c, err := d.Changes[i].change()
		if err != nil {
			return nil, fmt.Errorf("the plan's change of %q: %w", d.Changes[i].Address, err)
		}
		if i > 0 && c.Address() <= p.Changes[i-1].Address() {
			return nil, fmt.Errorf("the plan's changes are out of order at %q", c.Address())
		}
		p.Changes = append(p.Changes, c)
	}
	return p, nil
}

func (d *changeDocument) change() (Change, error) {
	if _, err := spec.ParseAddress(string(d.Address)); err != nil {
		return nil, err
	}
	if d.Address.Kind() == spec.JobKind {
		return nil, errors.New("a job is part of its flow and cannot be deployed by itself")
	}
	if len(d.Change.Actions) != 1 {
		return nil, fmt.Errorf("one action was expected, not %q", d.Change.Actions)
	}
	before, err := canonical(d.Change.Before)
	if err != nil {
		return nil, err
	}
	after, err := canonical(d.Change.After)
	if err != nil {
		return nil, err
	}
	action := d.Change.Actions[0]
	if wantBefore, wantAfter := action != actionCreate, action != actionDelete; wantBefore != (before != nil) || wantAfter != (after != nil) {
		return nil, fmt.Errorf("the specs do not fit the action %q", action)
	}
	declared := Declared{Address: d.Address, Data: after, Digest: spec.Digest(after)}
	old := Previous{
		Object: Object{UID: d.UID, Address: d.Address, Digest: spec.Digest(before), Version: d.Version},
		Data:   before,
	}
	if before != nil && (old.UID == "" || old.Version <= 0) {
		return nil, errors.New("the deployed object has no uid or version")
	}
	switch action {
	case actionCreate:
		return Create{New: declared}, nil
	case actionDelete:
		return Delete{Old: old}, nil
	case actionUpdate, actionNoOp:
		return d.update(old, declared)
	default:
		return nil, fmt.Errorf("this lft does not know the action %q", action)
	}
}

func (d *changeDocument) update(old Previous, declared Declared) (Change, error) {
	if d.PreviousAddress == "" {
		if old.Digest == declared.Digest {
			return nil, errors.New("it changes nothing")
		}
		return newUpdate(old, declared)
	}
	if d.PreviousAddress.Kind() != d.Address.Kind() {
		return nil, fmt.Errorf("it cannot have moved from %q", d.PreviousAddress)
	}
	old.Address = d.PreviousAddress
	u, err := newUpdate(old, declared)
	return Move{Update: u}, err
}

// canonical takes white space out of a spec that someone has indented.
func canonical(data json.RawMessage) ([]byte, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	if data[0] != '{' {
		return nil, fmt.Errorf("%.40q is no spec", data)
	}
	var buf bytes.Buffer
	if err := json.Compact(&buf, data); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
