package kernel

import (
	"maps"
	"slices"

	"github.com/leifengta/lft/engine/record"
)

// outbox collects what the next Ready holds. A changed row is noted once and
// copied at the end, so that the last state wins and a chain hop is one row.
type outbox struct {
	weight     int // rows so far
	executions []*execution
	nodes      []*node
	attempts   []*attempt
	agents     []*agent
	schedules  []*schedule
	projects   []*project                  // whose heads must not have moved
	overrides  map[record.OverrideKey]bool // set, changed or gone
	chunks     map[chunkKey]int
	rows       record.Batch
	orders     []Order
	kills      []Kill
	acks       []Ack
	replies    []Reply
	notes      int64 // ids given to notes so far
}

type chunkKey struct {
	token string
	from  int64
}

func (o *outbox) empty() bool {
	return o.weight == 0 && len(o.orders)+len(o.kills)+len(o.acks)+len(o.replies) == 0
}

func (o *outbox) execution(x *execution) {
	if !x.dirty {
		x.dirty = true
		o.executions = append(o.executions, x)
		o.weight++
	}
}

func (o *outbox) node(n *node) {
	if !n.dirty {
		n.dirty = true
		o.nodes = append(o.nodes, n)
		o.weight++
	}
}

func (o *outbox) attempt(a *attempt) {
	if !a.dirty {
		a.dirty = true
		o.attempts = append(o.attempts, a)
		o.weight++
	}
}

func (o *outbox) agent(a *agent) {
	if !a.dirty {
		a.dirty = true
		o.agents = append(o.agents, a)
		o.weight++
	}
}

func (o *outbox) cursor(s *schedule) {
	if !s.dirty {
		s.dirty = true
		o.schedules = append(o.schedules, s)
		o.weight++
	}
}

// head makes the batch depend on the project's head being what it is now. Should
// a newer revision be adopted before the batch is made, the batch is refused:
// what the older one decided may have come too late.
func (o *outbox) head(p *project) {
	if p.relied == 0 {
		p.relied = p.revision
		o.projects = append(o.projects, p)
	}
}

func (o *outbox) chunk(c record.Chunk) {
	key := chunkKey{c.Token, c.From}
	if at, ok := o.chunks[key]; ok {
		o.rows.Chunks[at] = c
		return
	}
	if o.chunks == nil {
		o.chunks = map[chunkKey]int{}
	}
	o.chunks[key] = len(o.rows.Chunks)
	o.rows.Chunks = append(o.rows.Chunks, c)
	o.weight++
}

func (o *outbox) override(key record.OverrideKey) {
	if o.overrides == nil {
		o.overrides = map[record.OverrideKey]bool{}
	}
	o.overrides[key] = true
	o.weight++
}

func (o *outbox) audit(at record.Time, by, verb, object, detail string) {
	o.notes++
	o.weight++
	o.rows.Audits = append(o.rows.Audits, record.Audit{
		ID: record.NoteID(object, verb, at, o.notes), At: at, By: by, Verb: verb, Object: object,
		Detail: record.Cut(detail, record.MaxMessage),
	})
}

func (o *outbox) reply(r Reply) {
	if r.ID != 0 {
		o.replies = append(o.replies, r)
	}
}

// flush copies the rows out and starts afresh. The slices belong to the caller.
func (o *outbox) flush(inForce overrides) Ready {
	rows := o.rows
	rows.Executions = make([]record.Execution, len(o.executions))
	for i, x := range o.executions {
		rows.Executions[i], x.dirty = x.Execution, false
	}
	rows.Jobs = make([]record.Job, len(o.nodes))
	for i, n := range o.nodes {
		rows.Jobs[i], n.dirty = n.Job, false
	}
	rows.Attempts = make([]record.Attempt, len(o.attempts))
	for i, a := range o.attempts {
		rows.Attempts[i], a.dirty = a.Attempt, false
	}
	rows.Agents = make([]record.Agent, len(o.agents))
	for i, a := range o.agents {
		rows.Agents[i], a.dirty = a.Agent, false
	}
	for _, s := range o.schedules {
		s.dirty = false
		if !s.gone {
			rows.Cursors = append(rows.Cursors, record.Cursor{
				ScheduleUID: s.UID, ProjectUID: s.project.uid, Instant: s.cursor,
			})
		}
	}
	for _, p := range o.projects {
		rows.Heads = append(rows.Heads, record.Head{ProjectUID: p.uid, Revision: p.relied})
		p.relied = 0
	}
	for _, key := range slices.SortedFunc(maps.Keys(o.overrides), byKey) {
		if row, ok := inForce[key]; ok {
			rows.Overrides = append(rows.Overrides, row)
		} else {
			rows.OverridesGone = append(rows.OverridesGone, key)
		}
	}
	ready := Ready{Rows: rows, Orders: o.orders, Kills: o.kills, Acks: o.acks, Replies: o.replies}
	*o = outbox{notes: o.notes}
	return ready
}
