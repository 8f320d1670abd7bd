package placement_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/engine/placement"
)

func agents() []*placement.Agent {
	return []*placement.Agent{
		{Name: "a", Slots: 4, Used: 3, Open: true, Served: 1, Labels: map[string]string{"zone": "a", "disk": "ssd"}},
		{Name: "b", Slots: 2, Used: 1, Open: true, Served: 9, Labels: map[string]string{"zone": "b"}},
		{Name: "c", Slots: 9, Used: 0, Open: false, Labels: map[string]string{"zone": "a"}},
		{Name: "d", Slots: 1, Used: 1, Open: true, Labels: map[string]string{"zone": "a"}},
	}
}

func TestChoose(t *testing.T) {
	for name, tc := range map[string]struct {
		ask  placement.Ask
		want string
	}{
		"longest idle":     {placement.Ask{Strategy: placement.RoundRobin}, "a"},
		"unknown strategy": {placement.Ask{Strategy: "by_moon"}, "a"},
		"least loaded":     {placement.Ask{Strategy: placement.LeastLoaded}, "b"},
		"by name":          {placement.Ask{Strategy: placement.Pinned, Agent: "b"}, "b"},
		"name not pinned":  {placement.Ask{Agent: "b"}, "a"},
		"by label":         {placement.Ask{Labels: map[string]string{"zone": "b"}}, "b"},
		"by both labels":   {placement.Ask{Labels: map[string]string{"zone": "a", "disk": "ssd"}}, "a"},
		"full":             {placement.Ask{Strategy: placement.Pinned, Agent: "d"}, ""},
		"closed":           {placement.Ask{Strategy: placement.Pinned, Agent: "c"}, ""},
		"no such label":    {placement.Ask{Labels: map[string]string{"rack": ""}}, ""},
	} {
		var matching []*placement.Agent
		for _, a := range agents() {
			if tc.ask.Matches(a) {
				matching = append(matching, a)
			}
		}
		got, ok := placement.Choose(tc.ask.Strategy, matching)
		if ok != (tc.want != "") || ok && got.Name != tc.want {
			t.Errorf("%s: %v, want %q", name, got, tc.want)
		}
	}
}

func TestExplain(t *testing.T) {
	got := placement.Explain(placement.Ask{Labels: map[string]string{"zone": "a"}}, agents())
	want := []placement.Verdict{
		{Agent: "a", Why: placement.Takes},
		{Agent: "b", Why: placement.Label},
		{Agent: "c", Why: placement.Closed},
		{Agent: "d", Why: placement.Full},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = placement.Explain(placement.Ask{Strategy: placement.Pinned, Agent: "b"}, agents()[:2])
	if got[0].Why != placement.Named || got[1].Why != placement.Takes {
		t.Errorf("%v", got)
	}
}

func TestKeysTellAsksApart(t *testing.T) {
	asks := []placement.Ask{
		{},
		{Strategy: "x"},
		{Agent: "x"},
		{Labels: map[string]string{"x": ""}},
		{Labels: map[string]string{"": "x"}},
		{Labels: map[string]string{"a": "b", "c": "d"}},
		{Labels: map[string]string{"a": "b"}},
		{Labels: map[string]string{"a": "c"}},
		{Strategy: "a", Agent: "b"},
		{Strategy: "ab"},
	}
	seen := map[string]int{}
	for i, ask := range asks {
		if other, ok := seen[ask.Key()]; ok {
			t.Errorf("%+v and %+v have one key", asks[other], ask)
		}
		seen[ask.Key()] = i
	}
}

// TestChoiceFits: what is chosen has a free slot, what Explain says would take
// the job is there exactly when something is chosen, and turns go round.
func TestChoiceFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fleet []*placement.Agent
		for i := range rapid.IntRange(0, 6).Draw(t, "agents") {
			fleet = append(fleet, &placement.Agent{
				Name: string(rune('a' + i)), Slots: rapid.Int32Range(0, 3).Draw(t, "slots"),
				Used: rapid.Int32Range(0, 4).Draw(t, "used"), Open: rapid.Bool().Draw(t, "open"),
			})
		}
		ask := placement.Ask{Strategy: rapid.SampledFrom([]string{placement.RoundRobin, placement.LeastLoaded}).Draw(t, "strategy")}
		takes := 0
		for _, v := range placement.Explain(ask, fleet) {
			if v.Why == placement.Takes {
				takes++
			}
		}
		best, ok := placement.Choose(ask.Strategy, fleet)
		if ok != (takes > 0) || ok && !placement.Fits(best) {
			t.Fatalf("%d agents would take the job, chosen: %+v", takes, best)
		}
		served := map[string]bool{}
		for n := uint64(1); ask.Strategy == placement.RoundRobin && n <= uint64(takes); n++ {
			best, _ := placement.Choose(ask.Strategy, fleet)
			if served[best.Name] {
				t.Fatalf("%s is chosen twice before all of %d were once", best.Name, takes)
			}
			served[best.Name], best.Served = true, n
		}
	})
}

// TestOrder: of two agents that fit, the first one of each case is taken, whichever
// comes first.
func TestOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		strategy     string
		taken, other placement.Agent
	}{
		"by load, not by what is used": {placement.LeastLoaded, placement.Agent{Name: "b", Slots: 10, Used: 4}, placement.Agent{Name: "a", Slots: 2, Used: 1}},
		"many slots":                   {placement.LeastLoaded, placement.Agent{Name: "b", Slots: 100_000, Used: 50_000}, placement.Agent{Name: "a", Slots: 100_000, Used: 60_000}},
		"as loaded, longer idle":       {placement.LeastLoaded, placement.Agent{Name: "b", Slots: 2, Used: 1, Served: 1}, placement.Agent{Name: "a", Slots: 4, Used: 2, Served: 2}},
		"longer idle":                  {placement.RoundRobin, placement.Agent{Name: "b", Slots: 2, Used: 1, Served: 1}, placement.Agent{Name: "a", Slots: 2, Served: 2}},
		"else by name":                 {placement.RoundRobin, placement.Agent{Name: "a", Slots: 2}, placement.Agent{Name: "b", Slots: 2}},
		"as loaded, else by name":      {placement.LeastLoaded, placement.Agent{Name: "a", Slots: 2}, placement.Agent{Name: "b", Slots: 2}},
	} {
		tc.taken.Open, tc.other.Open = true, true
		for _, fleet := range [][]*placement.Agent{{&tc.taken, &tc.other}, {&tc.other, &tc.taken}} {
			if best, ok := placement.Choose(tc.strategy, fleet); !ok || best != &tc.taken {
				t.Errorf("%s: chosen %+v", name, best)
			}
		}
	}
	if free := (&placement.Agent{Open: true, Slots: 1, Used: 2}).Free(); free != 0 {
		t.Errorf("%d slots are free of an agent that has more than it may", free)
	}
}
