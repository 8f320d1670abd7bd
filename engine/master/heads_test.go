package master

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// deploy makes revision n the head of project p, with one flow of that many
// noop jobs.
func deploy(w *world, n int64) {
	flow := &spec.Flow{Address: "flow.f"}
	for i := range n {
		flow.Jobs = append(flow.Jobs, &spec.Job{Name: string(rune('a' + i)), Type: "noop", Kind: spec.KindInstant})
	}
	data := flow.Canonical()
	digest := spec.Digest(data)
	w.defs.set(func() {
		if w.defs.specs == nil {
			w.defs.specs, w.defs.objects = map[string][]byte{}, map[int64][]record.Object{}
		}
		w.defs.specs[digest] = data
		w.defs.objects[n] = []record.Object{{UID: "u", Kind: "flow", Address: "flow.f", Digest: digest}}
		at := record.Time(n * 1000)
		w.defs.projects = []record.Project{{UID: "p", Name: "p", Revision: n, EffectiveFrom: at}}
		w.defs.revisions = append([]record.Revision{{ProjectUID: "p", Number: n, EffectiveFrom: at}}, w.defs.revisions...)
	})
}

type adopted struct {
	Revision int64
	From     record.Time
	Jobs     int
}

func adoptions(k *script) []adopted {
	var out []adopted
	for _, e := range k.events {
		if a, ok := e.(kernel.Adopt); ok {
			row := adopted{Revision: a.Revision, From: a.EffectiveFrom}
			for _, f := range a.Flows {
				row.Jobs += f.Graph.Len()
			}
			out = append(out, row)
		}
	}
	return out
}

// Every revision is adopted, in order, also those that came and went while
// nobody acted.
func TestAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		deploy(w, 1)
		deploy(w, 2)
		deploy(w, 3)
		w.book.live.Adopted = []record.Adopted{{ProjectUID: "p", Revision: 1}}
		w.start()
		k := w.kernel()
		if len(k.snapshot.Projects) != 1 || k.snapshot.Projects[0].Revision != 1 || k.snapshot.Projects[0].EffectiveFrom != 1000 {
			t.Errorf("restored with %+v", k.snapshot.Projects)
		}
		deploy(w, 4)
		time.Sleep(2 * headsIn)
		deploy(w, 5)
		w.m.Nudge()
		want := []adopted{{2, 2000, 2}, {3, 3000, 3}, {4, 4000, 4}, {5, 5000, 5}}
		if diff := cmp.Diff(want, adoptions(w.kernel())); diff != "" {
			t.Errorf("adopted (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		if n := len(adoptions(w.kernel())); n != 4 {
			t.Errorf("adopted %d times", n)
		}
		w.stop()
	})
}

// What is compiled is not read again, and a revision that is found twice is
// adopted once.
func TestAdoptedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		deploy(w, 1)
		w.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.defs.reads != 1 {
			t.Errorf("the objects are read %d times in a quiet minute", w.defs.reads)
		}
		l, err := w.m.acting()
		if err != nil {
			t.Fatal(err)
		}
		again := kernel.Adopt{ProjectUID: "p", Revision: 1}
		if err := l.between(t.Context(), func(ctx context.Context) error { return l.adopt(ctx, again) }); err != nil {
			t.Error(err)
		}
		if n := len(adoptions(w.kernel())); n != 1 {
			t.Errorf("adopted %d times", n)
		}
		w.stop()
	})
}

// Who looks for older revisions may find one that is adopted already, where those
// between are gone. And who keeps schedules silent needs the newest one alone.
func TestOlderRevisions(t *testing.T) {
	for _, solo := range []bool{false, true} {
		t.Run(fmt.Sprintf("solo=%v", solo), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.m.cfg.Solo = solo
				want := []adopted{{4, 4000, 4}, {6, 6000, 6}}
				for _, n := range []int64{1, 2, 4, 6} {
					deploy(w, n)
				}
				w.book.live.Adopted = []record.Adopted{{ProjectUID: "p", Revision: 2}}
				if solo {
					want = want[1:]
				}
				w.start()
				if diff := cmp.Diff(want, adoptions(w.kernel())); diff != "" {
					t.Errorf("adopted (-want +got):\n%s", diff)
				}
				w.stop()
			})
		})
	}
}

// The content before a revision that makes no sense is that of the revision before
// it, also when all come at once; before the first one there is none.
func TestSenselessAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for n := range int64(3) {
			deploy(w, n+1)
		}
		w.defs.objects[1][0].Kind, w.defs.objects[3][0].Kind = "unheard-of", "unheard-of"
		w.book.live.Adopted = []record.Adopted{{ProjectUID: "p"}}
		w.start()
		k := w.kernel()
		if diff := cmp.Diff([]adopted{{1, 1000, 0}, {2, 2000, 2}, {3, 3000, 2}}, adoptions(k)); diff != "" {
			t.Errorf("adopted (-want +got):\n%s", diff)
		}
		for _, e := range k.events {
			if a, ok := e.(kernel.Adopt); ok && (a.ProjectUID != "p" || a.Project != "p") {
				t.Errorf("adopted for nobody: %+v", a)
			}
		}
		w.stop()
	})
}

// A run right after an apply finds the flow that was applied.
// Many revisions that came and went are adopted a few at a time, in order.
func TestAdoptionOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 2*adoptAtOnce + 3
		deployAll := func(w *world, from, to int) {
			for n := from; n <= to; n++ {
				deploy(w, int64(n))
			}
		}
		w := newWorld(t)
		deployAll(w, 1, many)
		w.start() // at the begin of a term
		deployAll(w, many+1, 2*many)
		w.m.Nudge() // and in it
		synctest.Wait()
		got := adoptions(w.kernel())
		if len(got) != 2*many {
			t.Errorf("%d of %d revisions are adopted", len(got), 2*many)
		}
		for i, a := range got {
			if a.Revision != int64(i+1) {
				t.Fatalf("revision %d comes as number %d", a.Revision, i+1)
			}
		}
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestStartAdoptsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if _, ok := event.(kernel.Start); ok && len(adoptions(k)) == 0 {
				return kernel.ErrUnknown
			}
			return k.ordinary(event)
		}
		w.start()
		deploy(w, 1)
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
			t.Error(err)
		}
		w.stop()
	})
}

// A revision that cannot be compiled, or that the kernel panics on, must not
// stop its project: the last good content goes on under the new number.
func TestBadRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if a, ok := event.(kernel.Adopt); ok && len(a.Flows) == 1 && a.Flows[0].Graph.Len() == 3 {
				panic("planted")
			}
			return k.ordinary(event)
		}
		deploy(w, 1)
		w.start()
		deploy(w, 2)
		w.defs.set(func() { w.defs.objects[2][0].Kind = "unheard-of" })
		time.Sleep(2 * headsIn)
		want := []adopted{{1, 1000, 1}, {2, 2000, 1}}
		if diff := cmp.Diff(want, adoptions(w.kernel())); diff != "" {
			t.Errorf("adopted (-want +got):\n%s", diff)
		}
		w.book.live.Adopted = []record.Adopted{{ProjectUID: "p", Revision: 2}}
		deploy(w, 3)
		time.Sleep(2 * headsIn)
		if diff := cmp.Diff([]adopted{{3, 3000, 1}}, adoptions(w.kernel())); diff != "" {
			t.Errorf("adopted (-want +got):\n%s", diff)
		}
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
			t.Error(err)
		}
		w.stop()
	})
}

// A kernel that digests no revision at all, not even what it had, ends the term.
func TestNoRevisionIsDigested(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("late=%v", late), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.react = func(k *script, event kernel.Event) error {
					if _, ok := event.(kernel.Adopt); ok {
						panic("planted")
					}
					return k.ordinary(event)
				}
				if !late {
					deploy(w, 1)
				}
				w.start()
				if late {
					deploy(w, 1)
					w.m.Nudge()
				}
				if _, ok := errors.AsType[*defect](<-w.result); !ok {
					t.Error("the term ended for another reason")
				}
			})
		})
	}
}

func TestHeadsOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.defs.set(func() { w.defs.err = errDown })
		time.Sleep(time.Minute)
		w.defs.set(func() { w.defs.err = nil })
		deploy(w, 1)
		time.Sleep(2 * headsIn)
		if n := len(adoptions(w.kernel())); n != 1 {
			t.Errorf("adopted %d times", n)
		}
		if err := w.stop(); err != nil && !errors.Is(err, errDown) {
			t.Error(err)
		}
	})
}
