package kernel

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// TestColumns: what goes into a column is taken as long as the column is, and
// refused when it is one longer.
func TestColumns(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	object := func(n int) []byte { return []byte(`{"a":"` + text(n-8) + `"}`) }
	timetable, err := cron.Compile(cron.Spec{Every: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	graph, err := Compile(flow("g", []string{"a"}))
	if err != nil {
		t.Fatal(err)
	}
	start := func(change func(*Start, int)) func(int) Event {
		return func(n int) Event {
			ev := Start{ID: "x", ProjectUID: "p", Flow: "flow.f"}
			change(&ev, n)
			return ev
		}
	}
	adopt := func(change func(*FlowDef, *ScheduleDef, *PoolDef, int)) func(int) Event {
		return func(n int) Event {
			f := FlowDef{UID: "f", Address: "flow.g", Digest: "d", Graph: graph}
			s := ScheduleDef{UID: "s", Address: "schedule.s", Flow: "flow.g", Timetable: timetable, Zone: "UTC"}
			p := PoolDef{UID: "w", Address: "pool.w", Slots: 1}
			change(&f, &s, &p, n)
			return Adopt{
				ProjectUID: "q", Revision: 1, EffectiveFrom: noon,
				Flows: []FlowDef{f}, Schedules: []ScheduleDef{s}, Pools: []PoolDef{p},
			}
		}
	}
	register := func(change func(*record.Agent, int)) func(int) Event {
		return func(n int) Event {
			row := record.Agent{UID: "u", Name: "n", Slots: 1}
			change(&row, n)
			return Register{Agent: row}
		}
	}
	for name, tc := range map[string]struct {
		limit int
		event func(n int) Event
	}{
		"params of a start":         {record.MaxParams, start(func(s *Start, n int) { s.Params = object(n) })},
		"principal of a start":      {record.MaxName, start(func(s *Start, n int) { s.By = text(n) })},
		"principal of a cancel":     {record.MaxName, func(n int) Event { return Cancel{Execution: "live", By: text(n)} }},
		"project":                   {record.MaxID, func(n int) Event { return Adopt{ProjectUID: text(n), Revision: 1} }},
		"flow uid":                  {record.MaxID, adopt(func(f *FlowDef, _ *ScheduleDef, _ *PoolDef, n int) { f.UID = text(n) })},
		"flow address":              {record.MaxAddress, adopt(func(f *FlowDef, _ *ScheduleDef, _ *PoolDef, n int) { f.Address = spec.Address(text(n)) })},
		"flow digest":               {record.MaxID, adopt(func(f *FlowDef, _ *ScheduleDef, _ *PoolDef, n int) { f.Digest = text(n) })},
		"schedule uid":              {record.MaxID, adopt(func(_ *FlowDef, s *ScheduleDef, _ *PoolDef, n int) { s.UID = text(n) })},
		"schedule address":          {record.MaxAddress, adopt(func(_ *FlowDef, s *ScheduleDef, _ *PoolDef, n int) { s.Address = spec.Address(text(n)) })},
		"schedule params":           {record.MaxParams, adopt(func(_ *FlowDef, s *ScheduleDef, _ *PoolDef, n int) { s.Params = object(n) })},
		"schedule zone":             {record.MaxName, adopt(func(_ *FlowDef, s *ScheduleDef, _ *PoolDef, n int) { s.Zone = text(n) })},
		"pool uid":                  {record.MaxID, adopt(func(_ *FlowDef, _ *ScheduleDef, p *PoolDef, n int) { p.UID = text(n) })},
		"pool address":              {record.MaxAddress, adopt(func(_ *FlowDef, _ *ScheduleDef, p *PoolDef, n int) { p.Address = spec.Address(text(n)) })},
		"agent uid":                 {record.MaxID, register(func(a *record.Agent, n int) { a.UID = text(n) })},
		"agent name":                {record.MaxName, register(func(a *record.Agent, n int) { a.Name = text(n) })},
		"agent machine":             {record.MaxID, register(func(a *record.Agent, n int) { a.MachineID = text(n) })},
		"agent boot":                {record.MaxID, register(func(a *record.Agent, n int) { a.BootID = text(n) })},
		"agent namespace":           {record.MaxID, register(func(a *record.Agent, n int) { a.Namespace = text(n) })},
		"agent journal":             {record.MaxID, register(func(a *record.Agent, n int) { a.JournalID = text(n) })},
		"agent isolation":           {record.MaxEnum, register(func(a *record.Agent, n int) { a.Isolation = text(n) })},
		"agent version":             {record.MaxName, register(func(a *record.Agent, n int) { a.Version = text(n) })},
		"agent labels":              {record.MaxMessage, register(func(a *record.Agent, n int) { a.Labels = map[string]string{"a": "b", "key": text(n - 5)} })},
		"agent slots":               {maxSlots, register(func(a *record.Agent, n int) { a.Slots = int32(n) })},
		"principal of an operation": {record.MaxName, func(n int) Event { return Operate{Verb: "go", By: text(n)} }},
		"dead letter":               {record.MaxID, func(n int) Event { return Bury{Letter: record.DeadLetter{ID: text(n)}} }},
		"dead execution":            {record.MaxID, func(n int) Event { return Bury{Letter: record.DeadLetter{ID: "n", Execution: text(n)}} }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Limits{})
			w.adopt([]*spec.Flow{flow("f", []string{"a"})})
			w.start("f", "live")
			before := w.batches
			if err := w.try(tc.event(tc.limit + 1)); !errors.Is(err, ErrInvalid) || w.batches != before {
				t.Errorf("%d is refused with %v, after %d commits", tc.limit+1, err, w.batches-before)
			}
			if err := w.try(tc.event(tc.limit)); err != nil {
				t.Errorf("%d is refused: %v", tc.limit, err)
			}
		})
	}
}

func TestDefaultLimits(t *testing.T) {
	want := Limits{
		BatchRows: DefaultBatchRows, Grace: DefaultGrace, MisfireAll: DefaultMisfireAll,
		Suspect: DefaultSuspect, Unreachable: DefaultUnreachable, RerunMargin: DefaultRerunMargin,
	}
	if got := (Limits{}).withDefaults(); got != want {
		t.Errorf("got %+v", got)
	}
	own := Limits{BatchRows: 1, Grace: 2, MisfireAll: 3, Suspect: 4, Unreachable: 5, RerunMargin: 6}
	if got := own.withDefaults(); got != own {
		t.Errorf("got %+v", got)
	}
}
