package spec_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/spec"
)

var addDigests = flag.Bool("add", false, "write golden files that do not exist yet; those that do are never changed")

func ptr[T any](v T) *T { return &v }

func literal(text string) *spec.Value { return &spec.Value{Literal: json.RawMessage(text)} }

// whole has every field set to something that is not its default.
func whole() *spec.Flow {
	return &spec.Flow{
		Address:     "flow.whole",
		Description: "all <fields> & \"quotes\" é \u2028 \x00",
		OnFailure:   spec.CancelRunning,
		Concurrency: &spec.Concurrency{Max: 2, WhenFull: spec.WhenFullSkip, QueueMax: 7},
		Params: []*spec.Param{
			{Name: "day", Type: spec.Type(`"string"`), Default: &spec.Value{Expr: "formatdate(var.f, run.scheduled_for)", Vars: map[string]json.RawMessage{"var": json.RawMessage(`{"f": "YYYY"}`)}}, Description: "d"},
			{Name: "n", Type: spec.Type(`"number"`)},
		},
		Jobs: []*spec.Job{
			{Name: "a", Type: "shell", Args: map[string]*spec.Value{"command": literal(`["a", "b"]`), "files": literal(`{"$x":"1","b":"2"}`)}, Outputs: []*spec.Output{{Name: "o", Type: spec.Type(`["object", {"b":"number", "a":["list","string"]}]`)}}},
			{
				Name: `b["k"]`, Type: "wait", Kind: spec.KindTimer, Upstreams: []string{"a"}, When: &spec.Value{Expr: "job.a.output.o.b > 0"},
				Trigger: spec.AllDone, Retry: &spec.Retry{Attempts: 3, Delay: ptr(spec.Second), Backoff: "exponential", MaxDelay: 60 * spec.Second},
				Timeout: 90 * spec.Second, KillGrace: ptr(spec.Duration(0)), RerunAfter: 600 * spec.Second, Pool: "pool.p", PoolSlots: 2, Priority: -5,
				AllowFailure: true, OnLost: spec.LostFail, OnCancel: "run", Env: map[string]*spec.Value{"A": literal(`"x"`), "B": {Expr: "param.day"}},
				Placement: &spec.Placement{Strategy: "pinned", Agent: "a1", Labels: map[string]string{"zone": "a"}},
			},
		},
	}
}

type canonical interface{ Canonical() []byte }

// cases are named after their golden file. Never change one that is there: its
// digest stands in databases.
func cases() map[string]canonical {
	return map[string]canonical{
		"flow_whole":      whole(),
		"flow_empty":      &spec.Flow{},
		"flow_minimal":    &spec.Flow{Jobs: []*spec.Job{{Name: "a", Type: "noop", Kind: spec.KindInstant}}},
		"schedule_cron":   &spec.Schedule{Flow: "flow.f", Crons: []string{"0 2 * * *", "0 3 * * *"}, Timezone: "Asia/Shanghai", Start: "2026-01-01T00:00:00Z", End: "2027-01-01", Misfire: spec.MisfireAll, Overlap: spec.WhenFullReplace, Paused: true, Params: map[string]*spec.Value{"day": literal(`"x"`)}},
		"schedule_every":  &spec.Schedule{Flow: "flow.f", Every: 900 * spec.Second, Offset: 60 * spec.Second},
		"pool_shared":     &spec.Pool{Slots: 4, Shared: true},
		"pool_closed":     &spec.Pool{},
		"flow_later_form": decoded(`{"format":1, "zeta":[1, 2 ], "alpha":{"b" :1},"jobs":[{"name":"a","type":"noop","hue":  3.10}]}`),
	}
}

func decoded(text string) *spec.Flow {
	f, err := spec.DecodeFlow([]byte(text), "flow.f")
	if err != nil {
		panic(err)
	}
	return f
}

func TestGoldenDigests(t *testing.T) {
	for name, c := range cases() {
		t.Run(name, func(t *testing.T) {
			got := string(c.Canonical()) + "\n" + spec.Digest(c.Canonical()) + "\n"
			path := filepath.Join("testdata", "canonical", name+".txt")
			want, err := os.ReadFile(path)
			if os.IsNotExist(err) && *addDigests {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("an upgrade of lft would show a change where there is none (-stored +now):\n%s", diff)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	want := whole()
	got, err := spec.DecodeFlow(want.Canonical(), want.Address)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want.Canonical()), string(got.Canonical())); diff != "" {
		t.Error(diff)
	}
	if got.Jobs[1].Retry.Attempts != 3 || *got.Jobs[1].KillGrace != 0 || got.Jobs[1].Env["B"].Expr != "param.day" || got.Address != want.Address {
		t.Errorf("decoded %+v", got.Jobs[1])
	}
	if diff := cmp.Diff(`{"$x":"1","b":"2"}`, string(got.Jobs[0].Args["files"].Literal)); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsLeaveNoTrace(t *testing.T) {
	plain := &spec.Flow{Concurrency: &spec.Concurrency{Max: 1}, Jobs: []*spec.Job{{Name: "a", Type: "shell"}}}
	spelled := &spec.Flow{
		OnFailure:   spec.FinishPossible,
		Concurrency: &spec.Concurrency{Max: 1, WhenFull: spec.WhenFullQueue, QueueMax: spec.DefaultQueueMax},
		Jobs: []*spec.Job{{
			Name: "a", Type: "shell", Kind: spec.KindProcess, Trigger: spec.AllSuccess, KillGrace: ptr(spec.DefaultKillGrace), PoolSlots: 1,
			Retry:     &spec.Retry{Attempts: 1, Delay: ptr(spec.DefaultRetryDelay), Backoff: "fixed", MaxDelay: spec.DefaultMaxDelay},
			Placement: &spec.Placement{Strategy: "round_robin"}, When: literal("true"), Env: map[string]*spec.Value{}, Upstreams: []string{},
		}},
	}
	if diff := cmp.Diff(string(plain.Canonical()), string(spelled.Canonical())); diff != "" {
		t.Error(diff)
	}
	s := &spec.Schedule{Flow: "flow.f", Every: spec.Second, Timezone: "UTC", Misfire: spec.MisfireLatest}
	if got, want := string(s.Canonical()), `{"every":"1s","flow":"flow.f","format":1}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLaterFields: what a newer lft wrote passes through this one unharmed.
func TestLaterFields(t *testing.T) {
	const later = `{"aaa":{ "x" : 1.50 },"concurrency":{"max":1,"mode":"odd"},"format":1,"jobs":[{"name":"a","retry":{"attempts":2,"on":[ 1 ]},"type":"shell","zzz":null}],"params":[{"hint":"h","name":"p","type":"string"}],"zzz":"é\u00e9"}`
	if diff := cmp.Diff(later, string(decoded(later).Canonical())); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tc := range []struct{ data, want string }{
		{`{"format":2}`, "newer version"},
		{`{}`, "no format number"},
		{`[]`, "spec of flow.f"},
		{`{"format":1,"jobs":[{"name":3}]}`, "jobs: 0: name"},
		{`{"format":1,"jobs":[{"timeout":"soon"}]}`, `"soon" is no duration`},
		{`{"format":1,"jobs":[{"when":{"$expr":"a","vers":1}}]}`, `"vers"`},
		{`{"format":1,"jobs":[{"when":{"$expr":""}}]}`, "without source"},
		{`{"format":1,`, "unexpected end"},
	} {
		_, err := spec.DecodeFlow([]byte(tc.data), "flow.f")
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.data, err, tc.want)
		}
	}
}

// TestOneForm: whatever way a document is written, its canonical form is the
// same, and reading that changes nothing.
func TestOneForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var members []string
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "$c", "d", "e"}), 0, 5, rapid.ID[string]).Draw(t, "names") {
			value := rapid.SampledFrom([]string{`1`, `"x"`, `"\u00e9"`, `"é"`, `null`, `[1, {"z":1,"a":2}]`, `{"$expr":"x"}`}).Draw(t, "value")
			members = append(members, `"`+name+`": `+value)
		}
		forward := literal("{" + strings.Join(members, ",") + "}")
		slices.Reverse(members)
		backward := literal("{ " + strings.Join(members, " ,\n") + "\t}")
		flow := func(v *spec.Value) *spec.Flow {
			return &spec.Flow{Jobs: []*spec.Job{{Name: "a", Args: map[string]*spec.Value{"v": v}}}}
		}
		one := flow(forward).Canonical()
		if other := flow(backward).Canonical(); string(one) != string(other) {
			t.Fatalf("%s\n%s", one, other)
		}
		again, err := spec.DecodeFlow(one, "")
		if err != nil {
			t.Fatal(err)
		}
		if again.Jobs[0].Args["v"].Expr != "" {
			t.Fatalf("a literal became an expression: %s", one)
		}
		if string(again.Canonical()) != string(one) {
			t.Fatalf("%s\n%s", one, again.Canonical())
		}
	})
}

func FuzzDecodeFlow(f *testing.F) {
	for _, c := range cases() {
		f.Add(c.Canonical())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		flow, err := spec.DecodeFlow(data, "flow.f")
		if err != nil {
			return
		}
		one := flow.Canonical()
		again, err := spec.DecodeFlow(one, "flow.f")
		if err != nil {
			t.Fatalf("%s: %v", one, err)
		}
		if string(again.Canonical()) != string(one) {
			t.Fatalf("%s\n%s", one, again.Canonical())
		}
	})
}
