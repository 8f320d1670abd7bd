package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// Limits of what a client may send, checked before anything is read.
const (
	maxChanges = 200_000
	maxOrigin  = 512
	maxAddress = 255
	digestSize = 64
)

// check refuses a change set that makes no sense whatever is deployed.
func (c *ChangeSet) check() error {
	switch {
	case !spec.ValidName(c.Project):
		return fmt.Errorf("%w: %q is no project name", ErrInvalid, c.Project)
	case len(c.Lineage) > record.MaxID:
		return fmt.Errorf("%w: the lineage has more than %d bytes", ErrInvalid, record.MaxID)
	case len(c.Origin) > maxOrigin:
		return fmt.Errorf("%w: the origin has more than %d bytes", ErrInvalid, maxOrigin)
	case c.Base < 0:
		return fmt.Errorf("%w: base revision %d", ErrInvalid, c.Base)
	case len(c.Changes) > maxChanges:
		return fmt.Errorf("%w: %d changes are over the limit of %d", ErrInvalid, len(c.Changes), maxChanges)
	case len(c.Changes) == 0 && !c.Adopt:
		return fmt.Errorf("%w: it changes nothing", ErrInvalid)
	}
	for _, change := range c.Changes {
		if err := change.check(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInvalid, change.Address, err)
		}
	}
	return nil
}

func (c Change) check() error {
	if _, err := spec.ParseAddress(string(c.Address)); err != nil {
		return err
	}
	kind := c.Address.Kind()
	if len(c.Address) > maxAddress {
		return fmt.Errorf("the address has %d bytes, more than %d", len(c.Address), maxAddress)
	}
	if kind != c.Kind || kind == spec.JobKind {
		return fmt.Errorf("it is no %q that can be deployed", c.Kind)
	}
	if known := c.Action == Create || c.Action == Update || c.Action == Delete || c.Action == Move; !known {
		return fmt.Errorf("there is no action %q", c.Action)
	}
	if created := c.Action == Create; created != (c.UID == "") || created != (c.Version == 0) {
		return fmt.Errorf("uid and version do not fit the action %q", c.Action)
	}
	if deleted := c.Action == Delete; deleted != (c.Digest == "") || !deleted && len(c.Digest) != digestSize {
		return fmt.Errorf("the digest does not fit the action %q", c.Action)
	}
	if moved := c.Action == Move; moved != (c.Previous != "") || moved && c.Previous.Kind() != kind {
		return fmt.Errorf("the previous address does not fit the action %q", c.Action)
	}
	return nil
}

// change is a change set laid over what is deployed.
type change struct {
	before  Deployed
	after   Deployed // with the revision number it will get
	objects []store.ObjectChange
	touched map[string]bool // uids of objects that come, change or go
	sum     planner.Summary
}

// lay lays the change set over what is deployed. Uids of new objects are minted
// here: they depend on the lineage and the revision that creates them only.
func (c *ChangeSet) lay(before Deployed) (*change, error) {
	out := &change{before: before, after: Deployed{Project: c.head(before.Project)}, touched: map[string]bool{}}
	deployed := make(map[string]record.Object, len(before.Objects))
	for _, o := range before.Objects {
		deployed[o.UID] = o
	}
	for _, change := range c.Changes {
		old, err := change.find(deployed)
		if err != nil {
			return nil, err
		}
		out.add(change, old, c.Lineage)
	}
	for _, o := range before.Objects {
		if !out.touched[o.UID] {
			out.after.Objects = append(out.after.Objects, o)
		}
	}
	slices.SortFunc(out.after.Objects, func(a, b record.Object) int { return strings.Compare(a.Address, b.Address) })
	for i, o := range out.after.Objects {
		if i > 0 && out.after.Objects[i-1].Address == o.Address {
			return nil, fmt.Errorf("%w: %s would exist twice", ErrInvalid, o.Address)
		}
	}
	return out, nil
}

// head is the project as it shall be.
func (c *ChangeSet) head(deployed record.Project) record.Project {
	p := deployed
	if p.UID == "" {
		p.UID = record.ObjectUID(c.Lineage, "project", c.Project, 1)
		p.Name = c.Project
	}
	p.Lineage, p.Origin = c.Lineage, c.Origin
	p.Revision++
	return p
}

// find returns the deployed object a change is about and takes it off the list.
func (c Change) find(deployed map[string]record.Object) (record.Object, error) {
	if c.Action == Create {
		return record.Object{}, nil
	}
	address := c.Address
	if c.Action == Move {
		address = c.Previous
	}
	old, ok := deployed[c.UID]
	if !ok || old.Address != string(address) {
		return old, fmt.Errorf("%w: %s with uid %s is not deployed", ErrInvalid, address, c.UID)
	}
	delete(deployed, c.UID)
	return old, nil
}

func (c *change) add(ch Change, old record.Object, lineage string) {
	now := record.Object{
		ProjectUID: c.after.Project.UID,
		UID:        ch.UID,
		Kind:       ch.Kind,
		Address:    string(ch.Address),
		Digest:     ch.Digest,
		From:       c.after.Project.Revision,
	}
	if ch.Action == Create {
		now.UID = record.ObjectUID(lineage, ch.Kind, now.Address, now.From)
	}
	c.touched[now.UID] = true
	if ch.Action == Delete {
		now.Digest = old.Digest
	} else {
		c.after.Objects = append(c.after.Objects, now)
	}
	c.objects = append(c.objects, store.ObjectChange{Object: now, Base: old.From, Deleted: ch.Action == Delete})
}

// count counts the change as its plan does.
func (c *change) count(specs map[string][]byte) (err error) {
	before := planner.Deployed{Objects: make([]planner.Object, len(c.before.Objects))}
	for i, o := range c.before.Objects {
		before.Objects[i] = planner.Object{UID: o.UID, Address: spec.Address(o.Address), Digest: o.Digest, Version: o.From}
	}
	w := planner.Wish{Declared: make([]planner.Declared, len(c.after.Objects))}
	for i, o := range c.after.Objects {
		w.Declared[i] = planner.Declared{UID: o.UID, Address: spec.Address(o.Address), Digest: o.Digest, Data: specs[o.Digest]}
	}
	var p planner.Plan
	if p.Changes, err = w.Compare(before, specs); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	c.sum = p.Summary()
	return nil
}

// digest is over all objects of a revision.
func (d *Deployed) digest() string {
	h := sha256.New()
	for _, o := range d.Objects {
		h.Write([]byte(o.Address + " " + o.Digest + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// compiled is a change as the kernel will meet it.
type compiled struct {
	before kernel.Adopt
	after  kernel.Adopt
	specs  map[string][]byte // of both, by digest
}

// compile reads what the change is judged by and has the kernel compile it, so
// that nothing is committed that it would refuse to adopt.
func (s *Service) compile(ctx context.Context, c *change) (compiled, error) {
	b, err := s.bearing(ctx, c)
	if err != nil {
		return compiled{}, err
	}
	return c.compile(b)
}

func (c *change) compile(b bearing) (out compiled, err error) {
	out.specs = b.specs
	graphs := map[string]*kernel.Graph{}
	find := func(digest string) ([]byte, bool) { data, ok := b.specs[digest]; return data, ok }
	known := func(digest string) (*kernel.Graph, bool) { g, ok := graphs[digest]; return g, ok }
	if out.after, err = kernel.CompileProject(c.after.Project, b.after, find, known); err != nil {
		return compiled{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := references(&out.after); err != nil {
		return compiled{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for _, f := range out.after.Flows {
		graphs[f.Digest] = f.Graph
	}
	if c.before.Project.UID != "" {
		if out.before, err = kernel.CompileProject(c.before.Project, b.before, find, known); err != nil {
			return compiled{}, fmt.Errorf("revision %d of project %q: %w", c.before.Project.Revision, c.before.Project.Name, err)
		}
	}
	return out, nil
}

// references refuses a revision in which an object names one that is not there.
func references(a *kernel.Adopt) error {
	flows, pools := map[spec.Address]bool{}, map[spec.Address]bool{}
	for _, p := range a.Pools {
		pools[p.Address] = true
	}
	for _, f := range a.Flows {
		flows[f.Address] = true
		for job := range int32(f.Graph.Len()) {
			if pool, _ := f.Graph.Pool(job); pool != "" && !pools[pool] {
				return fmt.Errorf("%s uses %s, which would not exist", f.Address.Job(f.Graph.Name(job)), pool)
			}
		}
	}
	for _, s := range a.Schedules {
		if !flows[s.Flow] {
			return fmt.Errorf("%s starts %s, which would not exist", s.Address, s.Flow)
		}
	}
	return nil
}
