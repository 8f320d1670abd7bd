package master

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

func TestStartOfAFinishedExecution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.book.history = map[string]record.Execution{
			"old": {ID: "old", Flow: "flow.f", State: record.ExecutionFailed, Params: []byte(`{"a": 1, "b": "x"}`)},
		}
		w.start()
		for _, tc := range []struct {
			name string
			s    kernel.Start
			want error
		}{
			{"same", kernel.Start{ID: "old", Flow: "flow.f", Params: []byte(`{"b":"x","a":1}`)}, nil},
			{"other params", kernel.Start{ID: "old", Flow: "flow.f", Params: []byte(`{"a":2}`)}, kernel.ErrConflict},
			{"other flow", kernel.Start{ID: "old", Flow: "flow.g", Params: []byte(`{"b":"x","a":1}`)}, kernel.ErrConflict},
			{"other project", kernel.Start{ID: "old", ProjectUID: "p", Flow: "flow.f", Params: []byte(`{"b":"x","a":1}`)}, kernel.ErrConflict},
		} {
			id, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), tc.s) }))
			if !errors.Is(err, tc.want) || tc.want == nil && id != "old" {
				t.Errorf("%s: %q, %v", tc.name, id, err)
			}
		}
		if n := len(w.book.calls()); n != 0 {
			t.Errorf("%d commits", n)
		}
		w.stop()
	})
}

// An execution that ends between the look into the history and the kernel's
// turn must not be started a second time.
func TestStartWhileItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		looked := 0
		w.book.history = map[string]record.Execution{}
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Start); ok && e.ID == "other" {
				k.out.Rows.Finished = []string{"x"}
			}
			return k.ordinary(event)
		}
		w.start()
		w.book.onLook = func() {
			looked++
			if looked == 1 {
				// After the answer "unknown" was read, x is started and ends.
				w.m.term.Load().ask(t.Context(), &submission{make: func(id kernel.ReplyID) kernel.Event {
					return kernel.Start{Reply: id, ID: "other"}
				}})
				w.book.history["x"] = record.Execution{ID: "x", Flow: "flow.f", State: record.ExecutionSucceeded}
				delete(w.book.history, "x") // not seen by this look
				return
			}
			w.book.history["x"] = record.Execution{ID: "x", Flow: "flow.f", State: record.ExecutionSucceeded}
		}
		id, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) }))
		if err != nil || id != "x" {
			t.Fatalf("start: %q, %v", id, err)
		}
		if diff := cmp.Diff([]string{"other"}, writtenIDs(w)); diff != "" {
			t.Errorf("started (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

func TestSolo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.m.cfg.Solo = true
		left := record.Execution{ID: "left", Flow: "flow.f", State: record.Running}
		child := record.Execution{ID: "child", Flow: "flow.g", State: record.Running, Parent: "left"}
		w.book.live.Executions = []record.Execution{child, left}
		w.book.live.Jobs = []record.Job{{Execution: "child"}, {Execution: "left"}}
		w.book.history = map[string]record.Execution{"left": left}
		w.start()
		k := w.kernel()
		if n := len(k.snapshot.Live.Executions) + len(k.snapshot.Live.Jobs); n != 0 || !k.limits.SchedulesOff {
			t.Errorf("%d rows of others are acted on, limits %+v", n, k.limits)
		}
		if l := w.m.Leftovers(); len(l) != 1 || l[0].ID != "left" {
			t.Errorf("leftovers: %+v", l)
		}
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("new")) })); err != nil {
			t.Error(err)
		}
		// Asked for by name, it goes on, and what it has started with it.
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("left")) })); err != nil {
			t.Error(err)
		}
		k = w.kernel()
		if len(k.snapshot.Live.Executions) != 2 || len(k.snapshot.Live.Jobs) != 2 || len(w.m.Leftovers()) != 0 {
			t.Errorf("not taken up: %+v", k.snapshot.Live)
		}
		w.stop()
	})
}

func TestMadeIDsDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		ids := map[string]bool{}
		for range 50 {
			id, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), kernel.Start{Flow: "flow.f"}) }))
			if err != nil || !record.ValidExecutionID(id) || ids[id] {
				t.Fatalf("id %q, %v", id, err)
			}
			ids[id] = true
		}
		w.stop()
	})
}
