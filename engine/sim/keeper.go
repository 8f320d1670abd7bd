package sim

import (
	"encoding/json"
	"fmt"

	"github.com/leifengta/lft/agent/brain"
)

// keeper is the parent of a host's jobs. It outlives the agent.
type keeper struct {
	host     *host
	number   int
	dead     bool
	conn     int // the connection that counts; 0 = none
	conns    int
	sendAt   micros // messages keep their order
	tellAt   micros
	attempts map[string]*process
	heard    micros // when the last message left whose answer showed an acting master
}

// process is what a keeper started, as it truly is.
type process struct {
	task
	token    string
	host     *host
	keeper   *keeper
	started  micros
	ended    bool // nothing of its tree lives
	died     bool // with its keeper
	isKept   bool // its result is in the journal
	stubborn micros
	kill     string
	result   *brain.Result
}

// dial connects the agent to its keeper, starting one if none lives.
func (h *host) dial() {
	h.after(h.w.span(0, 30*ms), func() {
		if h.keeper == nil || h.keeper.dead {
			n := 1
			if h.keeper != nil {
				n = h.keeper.number + 1
			}
			h.keeper = &keeper{host: h, number: n, attempts: map[string]*process{}, heard: h.w.now}
		}
		k := h.keeper
		k.conns++
		k.conn = k.conns
		up := brain.KeeperUp{Keeper: fmt.Sprint(h.name, ".k", k.number), Boot: fmt.Sprint("boot", h.boot)}
		for _, token := range sorted(k.attempts) {
			p := k.attempts[token]
			held := brain.Held{Token: token, StartedAt: brain.Time(p.started + h.offset)}
			if p.result != nil {
				h.ship(token, p.result)
				held.Result = p.result
			}
			up.Held = append(up.Held, held)
		}
		h.step(up)
	})
}

// ship puts the log of an ended attempt into the bucket.
func (h *host) ship(token string, r *brain.Result) {
	if r.Log.Bytes > h.brain.LogEnd(token) {
		h.brain.Step(h.at(), upload(token, r.Log.Bytes))
	}
}

func (k *keeper) disconnect() { k.conn = 0 }

// send hands a command to the keeper, if the connection lives long enough.
func (k *keeper) send(h *host, do func(*keeper)) {
	if k == nil || k.dead || k.conn == 0 {
		return
	}
	conn, w := k.conn, h.w
	k.sendAt = max(k.sendAt, w.now+w.span(0, 3*ms))
	w.after(k.sendAt-w.now, func() {
		if !k.dead && k.conn == conn {
			do(k)
		}
	})
}

// tell hands news to the agent.
func (k *keeper) tell(do func()) {
	conn, w, life := k.conn, k.host.w, k.host.life
	if conn == 0 {
		return
	}
	k.tellAt = max(k.tellAt, w.now+w.span(0, 3*ms))
	w.after(k.tellAt-w.now, func() {
		if !k.dead && k.conn == conn && k.host.life == life && k.host.running {
			do()
		}
	})
}

// kill9 ends the keeper, and by Pdeathsig its jobs.
func (h *host) killKeeper() {
	k := h.keeper
	if k == nil || k.dead {
		return
	}
	h.w.note("keeper of %s dies", h.name)
	k.dead = true
	for _, token := range sorted(k.attempts) {
		p := k.attempts[token]
		p.died = true
		if !p.ended && (h.w.fault != SkipSweep || h.down) {
			h.w.truth.end(p)
		}
	}
	connected := k.conn != 0
	k.conn = 0
	if h.running && connected {
		h.after(h.w.span(0, 20*ms), func() { h.step(brain.KeeperGone{}) })
	}
}

// sweep ends whatever still carries a token of a dead keeper.
func (h *host) sweep(tokens []string) {
	h.after(h.w.span(0, 100*ms), func() {
		var list []brain.Remains
		for _, token := range tokens {
			if p := h.w.truth.live[token]; p != nil && p.host == h && h.w.fault != SkipSweep {
				h.w.truth.end(p)
			}
			list = append(list, brain.Remains{Token: token})
		}
		h.step(brain.Swept{List: list})
	})
}

func (k *keeper) alive(sent micros) { k.heard = max(k.heard, sent) }

// fork starts a process, once a token.
func (k *keeper) fork(s brain.Start) {
	if k.attempts[s.Token] != nil {
		return
	}
	w := k.host.w
	p := &process{token: s.Token, host: k.host, keeper: k, started: w.now, stubborn: w.span(0, 8*second)}
	if err := json.Unmarshal(s.Task, &p.task); err != nil {
		w.fail("task of %s: %v", s.Token, err)
		return
	}
	k.attempts[s.Token] = p
	w.truth.fork(p)
	if w.chance(1) {
		w.after(w.span(0, 150*ms), func() { k.host.crash(w.span(second, 20*second)) })
	}
	k.tell(func() {
		if !p.ended {
			k.host.step(brain.Started{Token: p.token, At: brain.Time(p.started + k.host.offset)})
		}
	})
	length := w.span(0, 3*second)
	if w.rng.IntN(4) == 0 {
		length = w.span(0, 40*second)
	}
	w.after(length, func() {
		outcome, code := "succeeded", int32(0)
		if w.rng.IntN(6) == 0 {
			outcome, code = "failed", 1+w.rng.Int32N(100)
		}
		k.finish(p, &brain.Result{Outcome: outcome, HasExit: true, ExitCode: code})
	})
	k.watch(p)
}

// watch kills a process when no master has been heard for as long as its job
// allows.
func (k *keeper) watch(p *process) {
	if p.Rerun == 0 || p.ended {
		return
	}
	w := k.host.w
	since := max(k.heard, p.started-second)
	if w.now-since >= p.Rerun {
		k.finish(p, &brain.Result{Outcome: "lost", Reason: "isolated"})
		return
	}
	w.after(since+p.Rerun-w.now, func() { k.watch(p) })
}

func (k *keeper) kill(c brain.Kill) {
	p := k.attempts[c.Token]
	if p == nil || p.result != nil || p.kill != "" {
		return
	}
	p.kill = c.Why
	k.host.w.after(p.stubborn, func() {
		k.finish(p, &brain.Result{Outcome: "cancelled", Reason: c.Why, Signal: "SIGKILL"})
	})
}

// finish ends a process with its whole tree and tells the agent.
func (k *keeper) finish(p *process, r *brain.Result) {
	w := k.host.w
	if p.ended || k.dead && w.fault != SkipSweep {
		return
	}
	w.truth.end(p)
	if k.dead {
		return
	}
	r.StartedAt, r.EndedAt = brain.Time(p.started+k.host.offset), k.host.at()
	r.Log.State = "eof"
	if w.rng.IntN(3) == 0 {
		r.Log.Bytes = 100
	}
	p.result = r
	k.tell(func() {
		k.host.ship(p.token, r)
		k.host.step(brain.Finished{Token: p.token, Result: *r})
	})
}
