package kernel

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// reader makes values of fuzz input; at its end everything is zero.
type reader struct{ data []byte }

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) n(limit int) int { return int(r.byte()) % limit }

func (r *reader) number() int64 {
	var b [8]byte
	for i := range r.n(9) {
		b[i] = r.byte()
	}
	return int64(binary.LittleEndian.Uint64(b[:]))
}

// text is mostly a name that means something, sometimes rubbish.
func (r *reader) text(names ...string) string {
	if n := r.n(len(names) + 1); n < len(names) {
		return names[n]
	}
	b := make([]byte, r.n(70))
	for i := range b {
		b[i] = r.byte()
	}
	return string(b)
}

func (r *reader) event(w *world) Event {
	tokens := []string{""}
	for _, o := range w.orders {
		tokens = append(tokens, o.Token)
	}
	ids := []string{"x", "y", "z", record.FireID("u", 1)}
	agents := []string{"uid.one", "uid.two", "one"}
	switch r.n(11) {
	case 0:
		return Tick{}
	case 1:
		return Start{Reply: 1, ID: r.text(ids...), ProjectUID: r.text("p"), Flow: spec.Address(r.text("flow.f", "flow.g")), Params: []byte(r.text("", "{}"))}
	case 2:
		return Cancel{Execution: r.text(ids...), By: r.text("ann")}
	case 3:
		return Prepared{
			Key: JobKey{r.text(ids...), int32(r.number()), r.text("")}, N: int32(r.number()), Task: []byte(r.text("{}")),
			Wait: spec.Duration(r.number()), Skip: r.n(2) == 0, Fault: record.Reason(r.text("")), Error: r.text(""),
		}
	case 4:
		return Register{Reply: 2, Agent: record.Agent{
			UID: r.text(agents...), Name: r.text("one", "two"), MachineID: r.text("m"), BootID: r.text("b"),
			JournalID: r.text("j"), JournalSeq: r.number(), Slots: int32(r.number()),
		}}
	case 5:
		var list []TokenState
		for range r.n(4) {
			list = append(list, TokenState{r.text(tokens...), r.n(2) == 0})
		}
		return Reconcile{Agent: r.text(agents...), Session: int64(r.n(5)), Tokens: list}
	case 6, 7:
		var list []Report
		for range r.n(4) {
			list = append(list, Report{
				Token: r.text(tokens...), Ended: r.n(2) == 0, StartedAt: record.Time(r.number()), EndedAt: record.Time(r.number()),
				Outcome: record.Outcome(r.text("succeeded", "failed", "lost", "cancelled")), ExitCode: int32(r.number()),
				Output: []byte(r.text("{}", "")), Log: &record.LogEnd{Bytes: r.number()},
			})
		}
		chunks := []record.Chunk{{Token: r.text(tokens...), From: r.number(), To: r.number()}}
		return Reports{Agent: r.text(agents...), Session: int64(r.n(5)), List: list, Chunks: chunks[:r.n(2)], Draining: r.n(4) == 0}
	case 8:
		return Operate{Reply: 3, Agent: r.text(agents...), Verb: r.text("drain", "undrain", "release", "declare-dead", "go")}
	case 9:
		return Bury{record.DeadLetter{ID: r.text("n"), Execution: r.text(ids...), Error: r.text("")}}
	default:
		ev := w.adopted["p"]
		ev.Revision, ev.EffectiveFrom = r.number(), record.Time(r.number())
		if r.n(2) == 0 {
			ev.Flows = ev.Flows[:r.n(len(ev.Flows)+1)]
		}
		if r.n(2) == 0 {
			ev.Schedules = nil
		}
		if r.n(4) == 0 {
			ev.Flows = []FlowDef{{UID: r.text("u"), Address: "flow.f"}}
		}
		return ev
	}
}

// FuzzStep feeds any events in any order: nothing may panic, a refused event
// must leave nothing behind, and what is committed must be legal.
func FuzzStep(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x04\x00\x00\x00\x00\x00\x02\x05\x05\x00\x00\x01\x00\x00\x00\x00\x00\x06\x00\x01\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWorld(t, Limits{BatchRows: 5, MisfireAll: 3})
		retry := job("*", func(j *spec.Job) { j.Retry = &spec.Retry{Attempts: 3} })
		w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a", "c"}, retry), flow("g", []string{"a"}, limited(1, 1, spec.WhenFullReplace))},
			withSchedule(t, "s", "f", cron.Spec{Every: time.Hour, End: "2026-12-31T00:00:00Z"}, func(d *ScheduleDef) { d.Misfire = spec.MisfireAll }))
		w.connect("one", 2)
		w.start("f", "x")
		r := &reader{data}
		for range 100 {
			if len(r.data) == 0 {
				break
			}
			w.at += record.Time(r.n(100)) * second
			if r.n(20) == 0 {
				w.s.Prepares()
				w.restore()
				continue
			}
			if err := w.s.Step(w.at, r.event(w)); err != nil {
				if ready, ok := w.s.Ready(); ok {
					t.Fatalf("refused with %v, yet: %+v", err, ready)
				}
			}
			w.drain()
		}
	})
}
