package master

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// Start asks for an execution and returns its id once it is durable. Without an
// id one is made. An id that is known, live or finished, is attached to when
// flow and parameters are equal, else refused with kernel.ErrConflict.
func (m *Master) Start(ctx context.Context, s kernel.Start) (id string, err error) {
	l, err := m.acting()
	if err != nil {
		return "", err
	}
	made := s.ID == ""
	if made {
		s.ID = NewID()
	}
	refreshed := false
	for {
		if made {
			id, err = l.start(ctx, s, nil)
		} else {
			id, err = l.startNamed(ctx, s)
		}
		switch {
		case errors.Is(err, errLookAgain):
		case errors.Is(err, kernel.ErrUnknown) && !refreshed:
			// The flow may be of a revision that is not adopted yet.
			refreshed = true
			if err := l.refresh(ctx); err != nil {
				return "", err
			}
		default:
			return id, err
		}
	}
}

// NewID makes the id of an execution that nobody named.
func NewID() string {
	var random [16]byte
	rand.Read(random[:])
	return record.NewID(random)
}

func (l *loop) start(ctx context.Context, s kernel.Start, look *look) (string, error) {
	l.m.admit(s.ID)
	reply, err := l.ask(ctx, &submission{look: look, make: func(id kernel.ReplyID) kernel.Event {
		s.Reply = id
		return s
	}})
	return reply.Value, err
}

// startNamed looks the id up first: the kernel knows live executions only.
func (l *loop) startNamed(ctx context.Context, s kernel.Start) (string, error) {
	look := l.looks.begin(s.ID)
	defer l.looks.end(look)
	known, ok, err := l.cfg.Book.Execution(ctx, s.ID)
	if err != nil {
		return "", fmt.Errorf("look up execution %s: %w", s.ID, err)
	}
	if ok && known.State.Terminal() {
		if known.ProjectUID != s.ProjectUID || known.Flow != string(s.Flow) || !sameJSON(known.Params, s.Params) {
			return "", kernel.ErrConflict
		}
		return s.ID, nil
	}
	if ok && l.leftovers.has(s.ID) {
		// Named on purpose: go on with what a killed run has left.
		l.m.admit(s.ID)
		if err := l.between(ctx, func(ctx context.Context) error { return l.reload(ctx, false) }); err != nil {
			return "", err
		}
	}
	return l.start(ctx, s, look)
}

// sameJSON compares two objects; nil is the empty one.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return bytes.Equal(canonical(a), canonical(b))
}

func canonical(object json.RawMessage) []byte {
	members := map[string]any{}
	if len(object) > 0 {
		d := json.NewDecoder(bytes.NewReader(object))
		d.UseNumber()
		if err := d.Decode(&members); err != nil {
			return object
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return object
	}
	return text
}

func (m *Master) admit(id string) {
	if !m.cfg.Solo {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.admitted[id] = true
}

// solo drops from live what this Master does not act on, and returns that.
func (m *Master) solo(live *record.Live) []record.Execution {
	if !m.cfg.Solo {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	parents := make(map[string]string, len(live.Executions))
	for _, x := range live.Executions {
		parents[x.ID] = x.Parent
	}
	// What an execution has started is acted on with it.
	wanted := func(execution string) bool {
		for ; execution != ""; execution = parents[execution] {
			if m.admitted[execution] {
				return true
			}
		}
		return false
	}
	var left []record.Execution
	for _, x := range live.Executions {
		if !wanted(x.ID) && x.Parent == "" { // the others go on with theirs
			left = append(left, x)
		}
	}
	keep(live, wanted)
	return left
}

// looks are the ids being looked up in the history. An execution that ends
// meanwhile is in neither place the caller has looked at, so the loop marks it.
type looks struct {
	mu   sync.Mutex
	byID map[string][]*look
}

type look struct {
	id    string
	stale bool // guarded by looks.mu
}

func (k *looks) begin(id string) *look {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = make(map[string][]*look)
	}
	l := &look{id: id}
	k.byID[id] = append(k.byID[id], l)
	return l
}

func (k *looks) end(l *look) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rest := k.byID[l.id][:0]
	for _, other := range k.byID[l.id] {
		if other != l {
			rest = append(rest, other)
		}
	}
	if len(rest) == 0 {
		delete(k.byID, l.id)
		return
	}
	k.byID[l.id] = rest
}

// finished marks the lookups of executions that leave memory.
func (k *looks) finished(ids []string) {
	if len(ids) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.byID) == 0 {
		return
	}
	for _, id := range ids {
		for _, l := range k.byID[id] {
			l.stale = true
		}
	}
}

func (k *looks) stale(l *look) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return l.stale
}
