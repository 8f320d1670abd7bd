package planner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

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
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &Plan{
		LftVersion: d.LftVersion,
		Project:    d.Project,
		Folder:     d.Folder,
		Mode:       d.Mode,
		Adopt:      d.Adopt,
		Targets:    d.Targets,
		Excludes:   d.Excludes,
		Compared:   d.Compared,
		Uses:       d.Uses,
		Renames:    d.Renames,
		Warnings:   d.Warnings,
		Impact:     d.Impact,
	}
	for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
		v := d.Variables[name]
		value, err := compact(v.Value)
		if err != nil {
			return nil, fmt.Errorf("the plan's variable %q: %w", name, err)
		}
		p.Variables = append(p.Variables, spec.Variable{Name: name, Value: value, Sensitive: v.Sensitive})
	}
	for _, c := range d.Checks {
		p.Checks = append(p.Checks, c.check())
	}
	var err error
	if p.Changes, err = d.changes(); err != nil {
		return nil, err
	}
	if p.Drift, err = d.drift(); err != nil {
		return nil, err
	}
	p.Reads, err = d.reads()
	return p, err
}

func (d *document) check() error {
	switch {
	case d.Project.Name == "":
		return errors.New("this is no plan of lft: it names no project")
	case d.Masked:
		return errors.New("sensitive values are masked in this plan: it is what plan -json and show -json print; save one with plan -out")
	case d.Mode != Normal && d.Mode != Destroy && d.Mode != RefreshOnly:
		return fmt.Errorf("this lft does not know the mode %q of the plan", d.Mode)
	case d.Errored:
		return errors.New("the plan has errors")
	case d.Mode == RefreshOnly && len(d.Changes)+len(d.Outputs) > 0:
		return errors.New("the plan is to show drift only, and changes something")
	}
	return nil
}

// changes are those of objects and outputs, in the order of addresses.
func (d *document) changes() ([]Change, error) {
	var changes []Change
	for i := range d.Changes {
		c, err := d.Changes[i].change(d.Compared != nil)
		if err != nil {
			return nil, fmt.Errorf("the plan's change of %q: %w", d.Changes[i].Address, err)
		}
		if i > 0 && !follows(changes[i-1], c) {
			return nil, fmt.Errorf("the plan's changes are out of order at %q", c.Address())
		}
		if c.Address().Kind() == spec.OutputKind {
			return nil, fmt.Errorf("the plan's change of %q: it is no resource", c.Address())
		}
		changes = append(changes, c)
	}
	trail := newTrail(changes)
	for i, c := range changes {
		if action := d.Changes[i].Change.Actions[0]; trail.quiet(c) != (action == actionNoOp) {
			return nil, fmt.Errorf("the plan's change of %q: the specs do not fit the action %q", c.Address(), action)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Outputs)) {
		c, err := d.Outputs[name].change(name, d.Compared != nil)
		if err == nil && d.Outputs[name].Actions[0] == actionNoOp {
			err = errors.New("an output that changes nothing is not in a plan")
		}
		if err != nil {
			return nil, fmt.Errorf("the plan's change of output %q: %w", name, err)
		}
		changes = append(changes, c)
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return strings.Compare(string(a.Address()), string(b.Address())) })
	return changes, distinct(changes)
}

// follows reports whether b may stand right behind a: an object may take the
// place of one that goes.
func follows(a, b Change) bool {
	if a.Address() == b.Address() {
		_, goes := a.(Delete)
		_, too := b.(Delete)
		return goes && !too
	}
	return a.Address() < b.Address()
}

// distinct refuses changes of which two are about one deployed object.
func distinct(changes []Change) error {
	uids, addresses := map[string]spec.Address{}, map[spec.Address]bool{}
	for _, c := range changes {
		old, ok := Going(c)
		if !ok || old.UID == "" {
			continue
		}
		if other, seen := uids[old.UID]; seen {
			return fmt.Errorf("the plan changes one object twice, as %q and as %q", other, c.Address())
		}
		if addresses[old.Address] {
			return fmt.Errorf("the plan changes the deployed %q twice", old.Address)
		}
		uids[old.UID], addresses[old.Address] = c.Address(), true
	}
	return nil
}

func (o outputDocument) change(name string, compared bool) (Change, error) {
	d := changeDocument{
		head: newHead(spec.OutputAddress(name)), Declared: o.Declared, Reason: o.Reason,
		Change: valueChange{Actions: o.Actions, Before: o.Old, After: o.New},
	}
	d.UID, d.Version = o.UID, o.Version
	for _, side := range []struct{ value, spec json.RawMessage }{{o.Before, o.Old}, {o.After, o.New}} {
		value, err := compact(side.value)
		if err != nil {
			return nil, err
		}
		inside, err := compact(outputValue(side.spec))
		if err != nil || string(value) != string(inside) {
			return nil, errors.New("its value is not that of its spec")
		}
	}
	return d.change(compared)
}

// change reads one change. In a comparison objects need not be deployed.
func (d *changeDocument) change(compared bool) (Change, error) {
	if err := d.head.check(); err != nil {
		return nil, err
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
	declared := Declared{Address: d.Address, Data: after, Digest: spec.Digest(after), At: d.Declared.position()}
	old := Previous{
		Object: Object{UID: d.UID, Address: d.Address, Digest: spec.Digest(before), Version: d.Version},
		Data:   before,
	}
	if before != nil && !compared && (old.UID == "" || old.Version <= 0) {
		return nil, errors.New("the deployed object has no uid or version")
	}
	if before == nil && (old.UID != "" || old.Version != 0) {
		return nil, errors.New("what is created cannot have a uid or version yet")
	}
	switch action {
	case actionCreate:
		return Create{New: declared}, nil
	case actionDelete:
		return Delete{Old: old, Reason: d.Reason, Removed: d.Because.position()}, nil
	case actionUpdate, actionNoOp:
		return d.update(old, declared)
	default:
		return nil, fmt.Errorf("this lft does not know the action %q", action)
	}
}

// check refuses an address that is none or is not what stands beside it.
func (h *head) check() error {
	if _, err := spec.ParseAddress(string(h.Address)); err != nil {
		return err
	}
	want := newHead(h.Address)
	if want.Type == spec.JobKind {
		return errors.New("a job is part of its flow and cannot be deployed by itself")
	}
	if h.Type != want.Type || h.Name != want.Name || h.Index != want.Index || h.ModuleAddress != want.ModuleAddress {
		return errors.New("its type, name, index or module is not that of its address")
	}
	return nil
}

func (d *changeDocument) update(old Previous, declared Declared) (Change, error) {
	moved := d.PreviousAddress != ""
	if old.Digest == declared.Digest && !moved {
		return nil, errors.New("it changes nothing")
	}
	if moved {
		if _, err := spec.ParseAddress(string(d.PreviousAddress)); err != nil || d.PreviousAddress.Kind() != d.Address.Kind() || d.PreviousAddress == d.Address {
			return nil, fmt.Errorf("it cannot have moved from %q", d.PreviousAddress)
		}
		old.Address = d.PreviousAddress
	}
	names, places := map[string]string{}, map[string]spec.Position{}
	for _, j := range d.Jobs {
		if j.Previous != "" {
			names[j.Previous] = j.Name
		}
		places[j.Name] = j.Declared.position()
	}
	u, err := newUpdate(old, declared, names)
	if err != nil {
		return nil, err
	}
	for i := range u.Jobs {
		u.Jobs[i].At = places[u.Jobs[i].Name]
	}
	if err := u.takeTexts(d.Files); err != nil {
		return nil, err
	}
	if !moved {
		return u, nil
	}
	return Move{Update: u, Moved: d.Because.position()}, nil
}

// takeTexts puts the contents of files back; they must be what the specs say.
func (u *Update) takeTexts(files []fileDocument) error {
	texts := map[string]fileDocument{}
	for _, f := range files {
		texts[f.Path] = f
	}
	for _, f := range u.Files {
		for _, side := range []struct {
			to   *File
			from *fileSide
		}{{f.Before, texts[f.Path].Before}, {f.After, texts[f.Path].After}} {
			if side.to == nil || side.from == nil || side.from.Text == nil {
				continue
			}
			if sum := sha256.Sum256([]byte(*side.from.Text)); hex.EncodeToString(sum[:]) != side.to.SHA256 {
				return fmt.Errorf("the text of file %q is not what its digest says", f.Path)
			}
			side.to.Text = side.from.Text
		}
	}
	return nil
}

func (d *document) drift() ([]Drift, error) {
	var list []Drift
	for i := range d.Drift {
		doc := &d.Drift[i]
		if err := doc.head.check(); err != nil {
			return nil, fmt.Errorf("the plan's drift of %q: %w", doc.Address, err)
		}
		before, err := canonical(doc.Change.Before)
		if err != nil || before == nil || doc.UID == "" || doc.Version <= 0 || (doc.Override == nil) == (doc.Lost == nil) {
			return nil, fmt.Errorf("the plan's drift of %q is neither an override nor a loss of a deployed object", doc.Address)
		}
		if o := doc.Override; o != nil {
			if o.Declared, err = compact(o.Declared); err == nil {
				o.Value, err = compact(o.Value)
			}
			if err != nil || o.Value == nil || o.Declared == nil {
				return nil, fmt.Errorf("the plan's drift of %q has no values", doc.Address)
			}
		}
		list = append(list, Drift{
			Object: Previous{
				Object: Object{UID: doc.UID, Address: doc.Address, Digest: spec.Digest(before), Version: doc.Version},
				Data:   before,
			},
			Override: doc.Override, Lost: doc.Lost,
		})
	}
	return list, nil
}

func (d *document) reads() ([]Object, error) {
	var list []Object
	for _, r := range d.Reads {
		if _, err := spec.ParseAddress(string(r.Address)); err != nil || r.UID == "" || r.Version <= 0 {
			return nil, fmt.Errorf("the plan relies on %q, which is no deployed object", r.Address)
		}
		list = append(list, Object{UID: r.UID, Address: r.Address, Digest: r.Digest, Version: r.Version})
	}
	return list, nil
}

func (d *checkDocument) check() Check {
	c := Check{Name: d.Address.Name, At: d.Declared.position()}
	for _, i := range d.Instances {
		for _, p := range i.Problems {
			c.Problems = append(c.Problems, p.Message)
		}
	}
	return c
}

// canonical takes white space out of a spec that someone has indented.
func canonical(data json.RawMessage) ([]byte, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	if data[0] != '{' {
		return nil, fmt.Errorf("%.40q is no spec", data)
	}
	return compact(data)
}

func compact(data json.RawMessage) ([]byte, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	var buf bytes.Buffer
	err := json.Compact(&buf, data)
	return buf.Bytes(), err
}
