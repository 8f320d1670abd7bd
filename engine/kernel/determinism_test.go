package kernel

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// play drives a world by itself: outcomes depend on the token alone, so that
// the end depends on nothing else. restores says after how many steps a new
// master takes over.
func play(t *testing.T, seed uint64, restores map[int]bool) (w *world, trace string) {
	t.Helper()
	w = newWorld(t, Limits{BatchRows: 20})
	r := rand.New(rand.NewPCG(seed, 1))
	var flows []*spec.Flow
	for i := range 3 {
		f := layers(fmt.Sprintf("f%d", i), 10+r.IntN(20), 3, spec.KindProcess)
		for k, j := range f.Jobs {
			j.Kind = []spec.Kind{spec.KindProcess, spec.KindProcess, spec.KindInstant, spec.KindTimer}[r.IntN(4)]
			j.Trigger = []spec.Trigger{"", "", spec.AllDone, spec.OneFailed, spec.Always}[r.IntN(5)]
			j.Retry = &spec.Retry{Attempts: 1 + k%2}
			if r.IntN(3) == 0 {
				j.Pool = "pool.w"
			}
		}
		flows = append(flows, f)
	}
	w.answer = func(p Prepare) Prepared {
		return Prepared{Key: p.Key, N: p.N, Task: []byte(`{}`), Wait: 5 * spec.Second}
	}
	w.adopt(flows, withPool("w", 2), withSchedule(t, "s", "f0", cron.Spec{Every: 20 * time.Second}))
	w.connect("one", 3)
	w.connect("two", 3)
	for i, f := range flows {
		w.start(f.Address.Name(), fmt.Sprintf("x%d", i))
	}
	var tokens []string // ordered, in order
	seen := 0
	for step := 0; step < 500; step++ {
		if restores[step] {
			w.restore()
			for _, name := range []string{"one", "two"} {
				var held []TokenState
				for _, token := range tokens {
					if a := w.db.attempts[token]; a.AgentUID == "uid."+name && a.State != record.Ended {
						held = append(held, TokenState{token, true})
					}
				}
				w.connect(name, 3, held...)
			}
		}
		for ; seen < len(w.orders); seen++ {
			tokens = append(tokens, w.orders[seen].Token)
		}
		for i, token := range tokens {
			if w.db.attempts[token].State == record.Ended {
				continue
			}
			a := w.db.attempts[token]
			report := Report{Token: token, Ended: true, Outcome: record.OutcomeSucceeded}
			if token[len(token)-1]%4 == 0 {
				report.Outcome = record.OutcomeFailed
			}
			w.step(Reports{Agent: a.AgentUID, Session: w.db.agents[a.AgentUID].Session, List: []Report{report}})
			tokens = append(tokens[:i:i], tokens[i+1:]...)
			break
		}
		if step < 400 {
			w.pass(second)
		} else {
			w.s.limits.SchedulesOff = true
			w.pass(10 * second)
		}
	}
	text, err := json.Marshal(w.db.live(w.at))
	if err != nil {
		t.Fatal(err)
	}
	return w, string(text) + fmt.Sprint(w.orders, w.kills, w.acks)
}

// TestSameEventsSameBytes: nothing depends on the order of a map.
func TestSameEventsSameBytes(t *testing.T) {
	for seed := range uint64(10) {
		_, first := play(t, seed, nil)
		if _, again := play(t, seed, nil); first != again {
			t.Fatalf("seed %d: the same events give other bytes", seed)
		}
	}
}

// TestRestoreIsTheSame: a master that takes over at any point brings all to the
// same end.
func TestRestoreIsTheSame(t *testing.T) {
	for seed := range uint64(5) {
		plain, _ := play(t, seed, nil)
		for at := 1; at < 60; at += 7 {
			restored, _ := play(t, seed, map[int]bool{at: true, 2 * at: true, 3*at + 1: true})
			if len(plain.db.executions) != len(restored.db.executions) || len(plain.db.executions) < 20 {
				t.Fatalf("seed %d, restored at %d: %d and %d executions", seed, at, len(plain.db.executions), len(restored.db.executions))
			}
			for id := range plain.db.executions {
				if got, want := restored.states(id), plain.states(id); got != want {
					t.Fatalf("seed %d, restored at %d: %s\n got %s\nwant %s", seed, at, id, got, want)
				}
				if !plain.db.finished[id] {
					t.Fatalf("seed %d: %s never ends: %s", seed, id, plain.states(id))
				}
			}
		}
	}
}
