package kernel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

func TestCompile(t *testing.T) {
	g, err := Compile(flow("f", []string{"a", "b: a", "c: a b"}, limited(2, 0, ""), job("c", pooled("w", 3)),
		job("b", func(j *spec.Job) {
			j.Placement = &spec.Placement{Strategy: "least_loaded", Labels: map[string]string{"zone": "a"}}
			j.Retry = &spec.Retry{Attempts: 5}
		})))
	if err != nil {
		t.Fatal(err)
	}
	c, _ := g.Number("c")
	if g.Len() != 3 || g.Name(c) != "c" || len(g.Upstreams(c)) != 2 || len(g.Downstreams(0)) != 2 {
		t.Errorf("graph of %d jobs, c is %d", g.Len(), c)
	}
	if pool, slots := g.Pool(c); pool != "pool.w" || slots != 3 {
		t.Errorf("c takes %d of %s", slots, pool)
	}
	if pool, slots := g.Pool(0); pool != "" || slots != 0 {
		t.Errorf("a takes %d of %q", slots, pool)
	}
	if c := g.Concurrency(); c.Max != 2 || c.QueueMax != spec.DefaultQueueMax || c.WhenFull != spec.WhenFullQueue {
		t.Errorf("concurrency: %+v", c)
	}
	if g.Ask(1).Strategy != "least_loaded" || g.Ask(0).Strategy != "round_robin" || g.MaxAttempts(1) != 5 || g.MaxAttempts(0) != 1 ||
		g.Trigger(0) != spec.AllSuccess || g.Kind(0) != spec.KindProcess {
		t.Error("the defaults are not those of the language")
	}
}

// dense is a flow with an edge from each earlier job to each later one.
func dense(jobs int) *spec.Flow {
	f := flow("f", nil)
	var ups []string
	for i := range jobs {
		f.Jobs = append(f.Jobs, &spec.Job{Name: fmt.Sprintf("j%04d", i), Type: "shell", Upstreams: slices.Clone(ups)})
		ups = append(ups, f.Jobs[i].Name)
	}
	return f
}

func TestCompileRefuses(t *testing.T) {
	full := dense(448) // 448 × 447 / 2 = 100 128 edges
	full.Jobs[447].Upstreams = full.Jobs[447].Upstreams[128:]
	if _, err := Compile(full); err != nil {
		t.Errorf("as many edges as there may be: %v", err)
	}
	full.Jobs[447].Upstreams = dense(448).Jobs[447].Upstreams[127:]
	many := flow("f", nil)
	for range MaxJobs + 1 {
		many.Jobs = append(many.Jobs, &spec.Job{})
	}
	for want, f := range map[string]*spec.Flow{
		`flow.f.job.b: upstream "x"`:           flow("f", []string{"a", "b: x"}),
		"flow.f has a cycle: [a b]":            flow("f", []string{"a: b", "b: a"}),
		"flow.f.job.a is declared twice":       flow("f", []string{"a", "a"}),
		"it names no flow to start":            flow("f", []string{"a"}, job("a", func(j *spec.Job) { j.Kind = spec.KindFlow })),
		`trigger "all_quiet" is not known`:     flow("f", []string{"a"}, job("a", func(j *spec.Job) { j.Trigger = "all_quiet" })),
		`on_cancel "hide" is not known`:        flow("f", []string{"a"}, job("a", func(j *spec.Job) { j.OnCancel = "hide" })),
		`backoff "tidal" is not known`:         flow("f", []string{"a"}, job("a", func(j *spec.Job) { j.Retry = &spec.Retry{Backoff: "tidal"} })),
		`on_failure "shrug" is not known`:      flow("f", nil, func(f *spec.Flow) { f.OnFailure = "shrug" }),
		`when_full "explode" is not known`:     flow("f", nil, limited(1, 1, "explode")),
		"concurrency of 0":                     flow("f", nil, limited(0, 1, "")),
		"queue of -1":                          flow("f", nil, limited(1, -1, "")),
		"more than 100000":                     full,
		"flow.f has 20001 jobs, more than 200": many,
	} {
		if _, err := Compile(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestCompileProject(t *testing.T) {
	specs := map[string][]byte{
		"d1": flow("f", []string{"a"}).Canonical(),
		"d2": (&spec.Schedule{
			Flow: "flow.f", Crons: []string{"0 2 * * *"}, Timezone: "Asia/Shanghai", End: "2026-03-03", Misfire: spec.MisfireAll, Paused: true,
			Params: map[string]*spec.Value{"b": {Literal: []byte(`"x"`)}, "a": {Literal: []byte(`1`)}},
		}).Canonical(),
		"d3": (&spec.Pool{Slots: 3, Shared: true}).Canonical(),
		"d5": (&spec.Schedule{Flow: "flow.f", Every: 3600 * spec.Second, Offset: 60 * spec.Second, Start: "2026-03-02T13:00:00Z"}).Canonical(),
		"d4": (&spec.Schedule{Flow: "flow.f", Crons: []string{"61 * * * *"}}).Canonical(),
	}
	project := record.Project{UID: "p", Name: "sales", Revision: 7, EffectiveFrom: noon}
	get := func(digest string) ([]byte, bool) { data, ok := specs[digest]; return data, ok }
	none := func(string) (*Graph, bool) { return nil, false }
	objects := []record.Object{
		{UID: "u1", Kind: "flow", Address: "flow.f", Digest: "d1"},
		{UID: "u2", Kind: "schedule", Address: "schedule.s", Digest: "d2"},
		{UID: "u3", Kind: "pool", Address: "pool.w", Digest: "d3"},
		{UID: "u5", Kind: "schedule", Address: "schedule.hourly", Digest: "d5"},
	}
	a, err := CompileProject(project, objects, get, none)
	if err != nil {
		t.Fatal(err)
	}
	if a.ProjectUID != "p" || a.Project != "sales" || a.Revision != 7 || a.EffectiveFrom != noon || len(a.Flows) != 1 || a.Flows[0].Graph.Len() != 1 {
		t.Errorf("adopt: %+v", a)
	}
	if diff := cmp.Diff([]PoolDef{{UID: "u3", Address: "pool.w", Slots: 3, Shared: true}}, a.Pools); diff != "" {
		t.Error(diff)
	}
	s := a.Schedules[0]
	next, _ := instants{s.Timetable}.after(noon)
	if s.UID != "u2" || s.Zone != "Asia/Shanghai" || !s.Paused || s.Misfire != spec.MisfireAll || string(s.Params) != `{"a":1,"b":"x"}` || next != noon+6*3600*second {
		t.Errorf("schedule: %+v, next %d", s, next)
	}
	if _, more := (instants{s.Timetable}).after(next); more {
		t.Error("the schedule has an instant after its end")
	}
	hourly := a.Schedules[1]
	next, _ = instants{hourly.Timetable}.after(noon)
	if hourly.Zone != "UTC" || hourly.Address != "schedule.hourly" || hourly.Flow != "flow.f" || next != noon+3660*second {
		t.Errorf("schedule: %+v, next %d", hourly, next)
	}
	// A graph that exists is taken as it is, its spec not even asked for.
	again, err := CompileProject(project, objects[:1], func(string) ([]byte, bool) { return nil, false },
		func(string) (*Graph, bool) { return a.Flows[0].Graph, true })
	if err != nil || again.Flows[0].Graph != a.Flows[0].Graph {
		t.Errorf("the graph was made anew: %v", err)
	}
	for want, bad := range map[string]record.Object{
		"spec nowhere is not in the store": {UID: "u", Kind: "flow", Address: "flow.g", Digest: "nowhere"},
		`kind "potion" is not known`:       {UID: "u", Kind: "potion", Address: "potion.g", Digest: "d1"},
		"schedule.t: cron":                 {UID: "u", Kind: "schedule", Address: "schedule.t", Digest: "d4"},
	} {
		if _, err := CompileProject(project, append(objects, bad), get, none); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestRestoreBuries: rows that make no sense end their execution, and no other.
func TestRestoreBuries(t *testing.T) {
	for name, spoil := range map[string]func(*Snapshot){
		"no graph": func(s *Snapshot) {
			s.Graphs = map[string]*Graph{s.Live.Executions[1].FlowDigest: s.Graphs[s.Live.Executions[1].FlowDigest]}
		},
		"a row is missing": func(s *Snapshot) { s.Live.Jobs = s.Live.Jobs[1:] },
		"no attempt":       func(s *Snapshot) { s.Live.Attempts = s.Live.Attempts[1:] },
		"wrong number":     func(s *Snapshot) { s.Live.Jobs[1].Number = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Limits{})
			w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"}), flow("g", []string{"a"})})
			w.connect("one", 9)
			w.start("f", "x")
			w.start("g", "y")
			snap := w.snapshot()
			if snap.Live.Attempts[0].Execution != "x" {
				snap.Live.Attempts[0], snap.Live.Attempts[1] = snap.Live.Attempts[1], snap.Live.Attempts[0]
			}
			spoil(&snap)
			s, err := Restore(Limits{}, snap)
			if err != nil {
				t.Fatal(err)
			}
			w.s = s
			w.drain()
			w.connect("one", 9, TokenState{w.attempt("x", "a").Token, true}, TokenState{w.attempt("y", "a").Token, true})
			if len(w.db.letters) != 1 || w.db.letters[0].Execution != "x" {
				t.Errorf("dead letters: %+v", w.db.letters)
			}
			if !w.db.finished["x"] {
				w.report("x", "a", func(r *Report) { r.Outcome = record.OutcomeCancelled })
			}
			if x := w.db.executions["x"]; x.State != record.ExecutionFailed || x.Reason != record.ReasonInternal {
				t.Errorf("x is %s %s", x.State, x.Reason)
			}
			w.report("y", "a", nil)
			w.want("y", "SUCCEEDED a=SUCCEEDED")
		})
	}
}

func TestAdoptRefuses(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{instantFlow("f")})
	for name, ev := range map[string]Adopt{
		"no project":  {Revision: 2},
		"no revision": {ProjectUID: "p"},
		"no graph":    {ProjectUID: "p", Revision: 2, Flows: []FlowDef{{UID: "u", Address: "flow.f"}}},
		"no uid":      {ProjectUID: "p", Revision: 2, Pools: []PoolDef{{Address: "pool.w"}}},
		"long params": {ProjectUID: "p", Revision: 2, Schedules: []ScheduleDef{{UID: "u", Params: make([]byte, record.MaxParams+1)}}},
	} {
		if err := w.try(ev); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.start("f", "x")
	w.want("x", "SUCCEEDED a=SUCCEEDED")
}

// TestAdoptIsRepeated: the same revision, or an older one, changes nothing; of
// two that come at once only the last is written.
func TestAdoptIsRepeated(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{instantFlow("f")})
	before := w.batches
	w.step(w.adopted["p"])
	if w.batches != before {
		t.Error("the same revision is adopted again")
	}
	for _, revision := range []int64{3, 5, 4} {
		if err := w.s.Step(w.at, Adopt{ProjectUID: "p", Revision: revision}); err != nil {
			t.Error(err)
		}
	}
	w.drain()
	if got := w.db.adopted["p"].Revision; got != 5 {
		t.Errorf("revision %d is adopted, want 5", got)
	}
}
