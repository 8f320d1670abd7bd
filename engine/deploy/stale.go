package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// errMoved marks that trying again leads nowhere: what a change set is about is
// not what it was made from.
var errMoved = errors.New("")

// maxMoved is how many objects a refusal names.
const maxMoved = 5

// current refuses a change set when anything that it changes or relies on is not
// what it was made from, and says by whom and when. Whatever else has happened to
// the project since is none of its business.
func (s *Service) current(ctx context.Context, set *ChangeSet, before Deployed) error {
	if head := before.Project.Revision; head < set.Base {
		return moved(fmt.Sprintf("it was made from revision %d, but %s", set.Base, newest(head)))
	}
	m := mover{s: s, head: before.Project, byUID: map[string]*record.Object{}, leaving: map[string]bool{}}
	for i := range before.Objects {
		m.byUID[before.Objects[i].UID] = &before.Objects[i]
	}
	for _, c := range set.Changes {
		m.leaving[c.UID] = c.Action == Delete || c.Action == Move
	}
	for _, c := range set.Changes {
		switch at := c.Address; c.Action {
		case Create:
		case Move:
			m.old(ctx, c.Previous, c.UID, c.Version, set.Base)
		case Update, Delete:
			m.old(ctx, at, c.UID, c.Version, set.Base)
		}
	}
	for _, r := range set.Reads {
		m.old(ctx, r.Address, r.UID, r.Version, set.Base)
	}
	if before.Project.Revision != set.Base {
		m.taken(ctx, set.Changes, before.Objects)
	}
	if m.err != nil || m.count == 0 {
		return m.err
	}
	if rest := m.count - len(m.found); rest > 0 {
		m.found = append(m.found, fmt.Sprintf("and %d more", rest))
	}
	return moved(fmt.Sprintf("it was made from revision %d, and since\n  %s", set.Base, strings.Join(m.found, "\n  ")))
}

func moved(text string) error {
	return fmt.Errorf("%w%w: %s\n\nPlan again", ErrStale, errMoved, text)
}

func newest(revision int64) string {
	if revision == 0 {
		return "nothing is deployed"
	}
	return fmt.Sprintf("revision %d is the newest", revision)
}

// mover collects what has moved.
type mover struct {
	s       *Service
	head    record.Project
	byUID   map[string]*record.Object
	leaving map[string]bool // uids that the change set takes away from their address
	found   []string
	count   int
	err     error
}

// old checks an object that was deployed as base when the change set was made.
func (m *mover) old(ctx context.Context, address spec.Address, uid string, version, base int64) {
	o := m.byUID[uid]
	switch {
	case o == nil && m.head.Revision == base:
		// Nothing has happened since, so it never was: find says so.
	case o == nil:
		m.gone(ctx, address, uid)
	case o.From != version:
		what := "was changed"
		if o.Address != string(address) {
			what = "has become " + o.Address
		}
		m.add(ctx, string(address), what, o.From)
	}
}

// gone is about an object that is not deployed any more.
func (m *mover) gone(ctx context.Context, address spec.Address, uid string) {
	if m.count >= maxMoved || m.err != nil {
		m.count++
		return
	}
	last, found, err := m.s.store.Object(ctx, m.head.UID, uid)
	if m.err = err; err != nil || !found {
		m.count++
		m.found = append(m.found, fmt.Sprintf("%s is not deployed any more", address))
		return
	}
	m.add(ctx, string(address), "was destroyed", last.Until)
}

// taken finds addresses of what the change set brings at which something is by now.
func (m *mover) taken(ctx context.Context, changes []Change, objects []record.Object) {
	at := make(map[string]*record.Object, len(objects))
	for i := range objects {
		if o := &objects[i]; !m.leaving[o.UID] {
			at[o.Address] = o
		}
	}
	for _, c := range changes {
		if o := at[string(c.Address)]; o != nil && (c.Action == Create || c.Action == Move) {
			m.add(ctx, string(c.Address), "was made", o.From)
		}
	}
}

// add says what happened to an object, in which revision, by whom and when.
func (m *mover) add(ctx context.Context, address, what string, revision int64) {
	if m.count++; m.count > maxMoved || m.err != nil {
		return
	}
	text := fmt.Sprintf("%s %s in revision %d", address, what, revision)
	list, err := m.s.store.Revisions(ctx, m.head.UID, revision+1, 1)
	if m.err = err; err == nil && len(list) == 1 && list[0].Number == revision {
		text += fmt.Sprintf(" by %s at %s", list[0].Author, time.UnixMicro(int64(list[0].EffectiveFrom)).UTC().Format(time.RFC3339))
	}
	m.found = append(m.found, text)
}
