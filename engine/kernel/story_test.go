package kernel

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestStories tells what happens in a few small worlds to the last column: each
// event, and everything that the kernel asks, commits and sends because of it,
// must be what testdata says. A difference is a change of behaviour to be read,
// and then accepted with -update.
func TestStories(t *testing.T) {
	for name, tell := range map[string]func(*testing.T, *world){
		"attempts":  attemptsStory,
		"schedules": schedulesStory,
		"agents":    agentsStory,
		"restore":   restoreStory,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Limits{})
			var story strings.Builder
			w.story = &story
			tell(t, w)
			golden := filepath.Join("testdata", "story_"+name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(story.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), story.String()); d != "" {
				t.Errorf("story (-want +got), -update when it is meant:\n%s", d)
			}
		})
	}
}

// attemptsStory: retries, pools, timers, conditions, logs, outputs, and a cancel.
func attemptsStory(t *testing.T, w *world) {
	t.Helper()
	delay := 10 * spec.Second
	w.adopt([]*spec.Flow{
		flow("f", []string{"load", "check: load", "mail: load", "pause: check", "skip: check"},
			job("load", func(j *spec.Job) {
				j.Retry = &spec.Retry{Attempts: 2, Delay: &delay}
				j.Pool, j.PoolSlots, j.Priority = "pool.db", 2, 5
			}),
			job("mail", func(j *spec.Job) { j.Pool, j.AllowFailure = "pool.db", true }),
			job("pause", func(j *spec.Job) { j.Kind = spec.KindTimer }),
			job("skip", func(j *spec.Job) { j.When = &spec.Value{Expr: "false"} })),
		flow("g", []string{"a", "b: a", "clean: b"},
			job("clean", func(j *spec.Job) { j.OnCancel, j.Trigger = "run", spec.AllDone })),
	}, withPool("db", 2))
	w.answer = func(p Prepare) Prepared {
		name := w.graphs[p.FlowDigest].Name(p.Key.Number)
		return Prepared{
			Key: p.Key, N: p.N, Skip: name == "skip", Wait: 7 * spec.Second,
			Task: []byte(`{"job":"` + name + `"}`),
		}
	}
	w.step(Start{
		Reply: 1, ID: "x", ProjectUID: "p", Flow: "flow.f", Params: []byte(`{"day":"monday"}`), By: "ann",
	})
	w.start("f", "y")
	w.connect("one", 2)
	w.report("x", "load", started)
	w.pass(second)
	w.report("x", "load", func(r *Report) {
		r.Outcome, r.ExitCode, r.Reason, r.Message = record.OutcomeFailed, 3, record.ReasonExit, "no rows"
		r.StartedAt, r.EndedAt = r.StartedAt-second, r.EndedAt-second/2
	})
	w.report("y", "load", started)
	w.pass(11 * second)
	w.cancel("y")
	w.report("y", "load", func(r *Report) { r.Outcome, r.HasExit, r.Signal = record.OutcomeCancelled, false, "SIGTERM" })
	token := w.attempt("x", "load").Token
	w.step(Reports{Agent: "uid.one", Session: 1, Chunks: []record.Chunk{
		{Token: token, From: 0, To: 10, Object: "o1", ObjectOffset: 4, SHA256: "aa"},
	}})
	w.report("x", "load", func(r *Report) {
		r.Output = []byte(`{"rows":7}`)
		r.Log = &record.LogEnd{Token: token, Bytes: 10, SHA256: "bb", State: record.LogEOF}
	})
	w.report("x", "load", nil)
	w.fail("x", "mail")
	w.report("x", "check", nil)
	w.pass(7 * second)
	w.start("g", "z")
	w.report("z", "a", started)
	w.cancel("z")
	w.report("z", "a", func(r *Report) { r.Outcome, r.HasExit, r.Signal = record.OutcomeCancelled, false, "SIGKILL" })
	w.report("z", "clean", nil)
}

// schedulesStory: instants on time, missed and paused, a flow that is full, and
// definitions that change and go.
func schedulesStory(t *testing.T, w *world) {
	t.Helper()
	one := func(f *spec.Flow) { f.Concurrency = &spec.Concurrency{Max: 1, QueueMax: 2} }
	minutely := withSchedule(t, "minutely", "f", cron.Spec{Every: time.Minute}, func(d *ScheduleDef) {
		d.Zone, d.Params = "Asia/Shanghai", []byte(`{"n":1}`)
	})
	paused := withSchedule(t, "paused", "f", cron.Spec{Every: 40 * time.Second}, func(d *ScheduleDef) { d.Paused = true })
	skips := withSchedule(t, "skips", "f", cron.Spec{Every: 90 * time.Second}, func(d *ScheduleDef) { d.Overlap = spec.WhenFullSkip })
	w.adopt([]*spec.Flow{flow("f", []string{"a"}, one)}, minutely, paused, skips)
	w.connect("one", 1)
	for range 5 {
		w.pass(30 * second)
	}
	w.start("f", "manual")
	w.at += 10 * second
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"}, one)}, minutely)
	w.pass(600 * second)
	for range 3 {
		w.report(w.running(t), "a", nil)
	}
	w.start("f", "last")
	w.start("f", "waits")
	w.adopt(nil)
	w.report("last", "a", nil)
	w.report("last", "b", nil)
}

// agentsStory: silence, draining, an identity that is doubled, and a death
// declared by an operator.
func agentsStory(t *testing.T, w *world) {
	t.Helper()
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b"}, job("b", func(j *spec.Job) {
		j.OnLost = "rerun"
	}))})
	row := w.identity("one", 2)
	row.Labels, row.Version = map[string]string{"zone": "a"}, "v1"
	w.step(Reconcile{Agent: row.UID, Session: w.register(row)})
	w.start("f", "x")
	w.report("x", "a", started)
	w.step(Reports{Agent: row.UID, Session: 1, Chunks: []record.Chunk{{Token: w.attempt("x", "a").Token, To: 9, Object: "o"}}})
	w.tick(20 * second)
	w.tick(60 * second)
	w.tick(120 * second)
	w.pass(0)
	w.operate("one", "drain")
	w.start("f", "y")
	w.connect("two", 1)
	w.operate("one", "undrain")
	w.tick(300 * second)
	w.operate("one", "declare-dead")
	w.step(Reports{Agent: row.UID, Session: w.session("one"), List: []Report{{Token: w.attempt("x", "a").Token, Ended: true}}})
	w.connect("one", 2, TokenState{Token: "unknown", Started: true})
	other := w.identity("two", 1)
	other.MachineID = "clone"
	w.step(Register{Reply: 9, Agent: other})
	w.operate("two", "release")
	w.connect("two", 1)
	w.step(Bury{Letter: record.DeadLetter{ID: "n1", Execution: "x", Event: "Reports", Error: "panic"}})
}

// restoreStory: a new master finds everything as the old one left it.
func restoreStory(t *testing.T, w *world) {
	t.Helper()
	w.adopt([]*spec.Flow{
		flow("f", []string{"a", "b", "c: a b"}, func(f *spec.Flow) { f.Concurrency = &spec.Concurrency{Max: 1, QueueMax: 9} },
			job("b", func(j *spec.Job) { j.Pool = "pool.w" })),
	}, withPool("w", 1), withSchedule(t, "s", "f", cron.Spec{Every: time.Minute}))
	w.connect("one", 2)
	w.start("f", "x")
	w.start("f", "y")
	w.report("x", "a", started)
	w.at += 100 * second
	w.restore()
	w.tick(0)
	w.connect("one", 2, TokenState{Token: w.attempt("x", "a").Token, Started: true})
	w.report("x", "a", func(r *Report) { r.StartedAt -= 90 * second })
	w.cancel("y")
	w.report("x", "b", nil)
	w.report("x", "c", nil)
}

func (w *world) cancel(id string) {
	w.t.Helper()
	w.step(Cancel{Reply: 2, Execution: id, By: "bob"})
}

func (w *world) operate(agent, verb string) {
	w.t.Helper()
	w.step(Operate{Reply: 3, Agent: agent, Verb: verb, By: "bob"})
}

// running is the first live execution that runs.
func (w *world) running(t *testing.T) string {
	t.Helper()
	for _, id := range sortedKeys(w.db.executions) {
		if w.db.executions[id].State == record.Running {
			return id
		}
	}
	t.Fatal("nothing runs")
	return ""
}

// tells adds a value to the story: its fields, and a line for each element of
// its lists.
func (w *world) tells(indent, title string, value any) {
	if w.story == nil {
		return
	}
	if a, ok := value.(Adopt); ok { // its definitions are the story's own
		value = Adopt{ProjectUID: a.ProjectUID, Revision: a.Revision, EffectiveFrom: a.EffectiveFrom}
	}
	v := reflect.ValueOf(value)
	fmt.Fprintf(w.story, "%s%s%s\n", indent, title, fields(v))
	for _, f := range v.Fields() {
		if isList(f) {
			for i := range f.Len() {
				w.tells(indent+"  ", f.Type().Elem().Name(), f.Index(i).Interface())
			}
		}
	}
}

func isList(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct
}

// fields writes a struct's fields that are not zero. Times are counted from noon.
func fields(v reflect.Value) string {
	var b strings.Builder
	for field, f := range v.Fields() {
		if f.IsZero() || isList(f) {
			continue
		}
		text := fmt.Sprint(reflect.Indirect(f))
		switch x := f.Interface().(type) {
		case record.Time:
			text = fmt.Sprintf("%+.6gs", float64(x-noon)/float64(second))
		case []byte:
			text = string(x)
		case json.RawMessage:
			text = string(x)
		case record.Batch:
			continue // told apart
		default:
			if s := reflect.Indirect(f); s.Kind() == reflect.Struct {
				text = "{" + strings.TrimSpace(fields(s)) + "}"
			}
		}
		if len(text) == 64 { // a digest
			text = text[:8] + "…"
		}
		fmt.Fprintf(&b, " %s=%s", field.Name, text)
	}
	return b.String()
}
