package kernel

import (
	"slices"

	"github.com/leifengta/lft/engine/placement"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// queue is the part that says which ready job comes next. Jobs that compete for
// the same pool and the same kind of agent stand in one lane. A lane whose pool
// is full, or for which no agent has a slot, is put aside with that pool or
// class until something changes there: nobody looks at its jobs meanwhile, and
// it delays no other lane.
type queue struct {
	pools   map[string]*pool // by uid
	shared  map[spec.Address]*pool
	classes map[string]*class // by key of their Ask
	lanes   map[laneKey]*lane
	open    []*lane // neither empty nor put aside
	turns   uint64
	fresh   []*node // READY since the last Ready; they may need a label
}

type laneKey struct {
	pool  *pool
	class *class
}

func newQueue() queue {
	return queue{pools: map[string]*pool{}, classes: map[string]*class{}, lanes: map[laneKey]*lane{}}
}

// pool is a limit shared by jobs. In use is what live attempts took, whatever
// the limit was then.
type pool struct {
	uid     string
	address spec.Address
	slots   int32 // what holds
	// declared is what the revision says, should nobody override it.
	declared int32
	used     int32
	shared   bool
	gone     bool    // no longer declared: it limits nothing
	lanes    []*lane // put aside because it is full
}

// demand is how many slots a job takes: one that wants more than there are gets
// the whole pool.
func (p *pool) demand(want int32) int32 {
	if p.gone {
		return want
	}
	return min(want, max(p.slots, 1))
}

func (p *pool) fits(want int32) bool {
	return p.gone || int64(p.used)+int64(p.demand(want)) <= int64(p.slots)
}

// class is the agents that match an Ask.
type class struct {
	ask    placement.Ask
	agents []*placement.Agent
	nodes  []*agent // of agents
	lanes  []*lane  // put aside because none has a slot
}

// lane is the ready jobs of one pool and one class.
type lane struct {
	pool   *pool // nil without
	class  *class
	levels []*level // by priority, the highest first
	turn   uint64   // when it last gave a job
	isOpen bool
}

// level is the jobs of one priority; flows take turns.
type level struct {
	priority int16
	flows    []*flowJobs
	byFlow   map[string]*flowJobs
}

type flowJobs struct {
	flow  string
	nodes []*node
}

func (q *queue) pool(uid string) *pool {
	p := q.pools[uid]
	if p == nil {
		p = &pool{uid: uid, gone: true}
		q.pools[uid] = p
	}
	return p
}

// forget drops a pool that is no more and not in use.
func (q *queue) forget(p *pool) {
	if p.gone && p.used == 0 {
		delete(q.pools, p.uid)
	}
}

// prune forgets lanes without jobs, and the classes of no lane: revisions come and
// go, and with them pools and what jobs ask of agents.
func (q *queue) prune() {
	used := make(map[*class]bool, len(q.classes))
	for key, l := range q.lanes {
		if l.isOpen || l.head() != nil {
			used[l.class] = true
			continue
		}
		delete(q.lanes, key)
		is := func(o *lane) bool { return o == l }
		l.class.lanes = slices.DeleteFunc(l.class.lanes, is)
		if l.pool != nil {
			l.pool.lanes = slices.DeleteFunc(l.pool.lanes, is)
		}
	}
	for key, c := range q.classes {
		if used[c] {
			continue
		}
		delete(q.classes, key)
		for _, a := range c.nodes {
			a.classes = slices.DeleteFunc(a.classes, func(o *class) bool { return o == c })
		}
	}
}

// relabel has all that waits say anew what for. With the gate closed every lane with
// jobs is open.
func (q *queue) relabel() {
	for _, l := range q.open {
		for _, lv := range l.levels {
			for _, f := range lv.flows {
				q.fresh = append(q.fresh, f.nodes...)
			}
		}
	}
}

// share makes the pools of a project that are for all findable.
func (q *queue) share(p *project) {
	if q.shared == nil {
		q.shared = map[spec.Address]*pool{}
	}
	for _, address := range sortedKeys(q.shared) {
		if pl := q.shared[address]; pl.gone || !pl.shared {
			delete(q.shared, address)
		}
	}
	for _, address := range sortedKeys(p.pools) {
		pl := p.pools[address]
		if other := q.shared[address]; pl.shared && (other == nil || pl.uid < other.uid) {
			q.shared[address] = pl
		}
	}
}

func (q *queue) sharedPool(address spec.Address) *pool { return q.shared[address] }

// lane finds where a job queues.
func (s *State) lane(n *node) *lane {
	r, g := n.rule(), n.exec.graph
	key := laneKey{class: s.queue.class(g.askKeys[r.ask], g.asks[r.ask], &s.fleet)}
	if r.pool >= 0 {
		key.pool = s.pool(n.exec, g.pools[r.pool])
	}
	l := s.queue.lanes[key]
	if l == nil {
		l = &lane{pool: key.pool, class: key.class}
		s.queue.lanes[key] = l
	}
	return l
}

func (q *queue) class(key string, ask placement.Ask, f *fleet) *class {
	c := q.classes[key]
	if c == nil {
		c = &class{ask: ask}
		q.classes[key] = c
		for _, a := range f.list {
			c.admit(a)
		}
	}
	return c
}

// admit adds an agent to the class if it matches.
func (c *class) admit(a *agent) {
	if c.ask.Matches(&a.place) {
		c.agents = append(c.agents, &a.place)
		c.nodes = append(c.nodes, a)
		a.classes = append(a.classes, c)
	}
}

// expel is the reverse of admit.
func (c *class) expel(a *agent) {
	for i := range c.nodes {
		if c.nodes[i] == a {
			c.nodes = append(c.nodes[:i], c.nodes[i+1:]...)
			c.agents = append(c.agents[:i], c.agents[i+1:]...)
			return
		}
	}
}

func (q *queue) push(n *node, l *lane) {
	n.lane = l
	l.push(n)
	q.fresh = append(q.fresh, n)
	if !l.isOpen && !l.aside() {
		l.isOpen = true
		q.open = append(q.open, l)
	}
}

// aside reports whether the lane is put aside with its pool or class.
func (l *lane) aside() bool {
	return l.pool != nil && slices.Contains(l.pool.lanes, l) || slices.Contains(l.class.lanes, l)
}

// unblock opens the lanes that were put aside in a list.
func (q *queue) unblock(aside *[]*lane) {
	for _, l := range *aside {
		l.isOpen = true
		q.open = append(q.open, l)
	}
	*aside = nil
}

// give returns slots to a pool.
func (q *queue) give(p *pool, slots int32) {
	p.used -= slots
	q.unblock(&p.lanes)
	q.forget(p)
}

func (l *lane) push(n *node) {
	priority := n.rule().priority
	at := 0
	for at < len(l.levels) && l.levels[at].priority > priority {
		at++
	}
	if at == len(l.levels) || l.levels[at].priority != priority {
		l.levels = append(l.levels, nil)
		copy(l.levels[at+1:], l.levels[at:])
		l.levels[at] = &level{priority: priority, byFlow: map[string]*flowJobs{}}
	}
	lv := l.levels[at]
	f := lv.byFlow[n.exec.FlowUID]
	if f == nil {
		f = &flowJobs{flow: n.exec.FlowUID}
		lv.byFlow[f.flow] = f
		lv.flows = append(lv.flows, f)
	}
	f.nodes = append(f.nodes, n)
}

// head is the job whose turn it is; those that have moved on are dropped.
func (l *lane) head() *node {
	for len(l.levels) > 0 {
		lv := l.levels[0]
		for len(lv.flows) > 0 {
			f := lv.flows[0]
			for len(f.nodes) > 0 {
				if n := f.nodes[0]; n.State == record.JobReady && !n.asked && n.lane == l {
					return n
				}
				f.nodes[0] = nil
				f.nodes = f.nodes[1:]
			}
			delete(lv.byFlow, f.flow)
			lv.flows = lv.flows[1:]
		}
		l.levels = l.levels[1:]
	}
	return nil
}

// take removes the head and gives the turn to the next flow.
func (l *lane) take() {
	lv := l.levels[0]
	f := lv.flows[0]
	f.nodes[0].lane = nil
	f.nodes[0] = nil
	f.nodes = f.nodes[1:]
	lv.flows = lv.flows[1:]
	if len(f.nodes) > 0 {
		lv.flows = append(lv.flows, f)
	} else {
		delete(lv.byFlow, f.flow)
	}
}

// next finds the lane whose job comes next: the highest priority, and among
// equals the lane that has waited longest. Lanes found empty are closed.
func (q *queue) next() (*lane, *node) {
	var best *lane
	var job *node
	for i := 0; i < len(q.open); {
		l := q.open[i]
		n := l.head()
		if n == nil {
			q.close(i)
			continue
		}
		if best == nil || n.rule().priority > job.rule().priority ||
			n.rule().priority == job.rule().priority && l.turn < best.turn {
			best, job = l, n
		}
		i++
	}
	return best, job
}

func (q *queue) close(i int) {
	q.open[i].isOpen = false
	last := len(q.open) - 1
	q.open[i] = q.open[last]
	q.open[last] = nil
	q.open = q.open[:last]
}

// putAside closes a lane until something is given back to what blocks it.
func (q *queue) putAside(l *lane, with *[]*lane) {
	for i := range q.open {
		if q.open[i] == l {
			q.close(i)
			break
		}
	}
	*with = append(*with, l)
}
