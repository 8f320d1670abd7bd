package spec_test

import (
	"strings"
	"testing"

	"github.com/leifengta/lft/lang/spec"
)

func TestAddress(t *testing.T) {
	type parts struct{ kind, name, instance, flow string }
	for _, tc := range []struct {
		got  spec.Address
		want string
		parts
	}{
		{spec.FlowAddress("g", ""), "flow.g", parts{"flow", "g", "g", "flow.g"}},
		{spec.FlowAddress("g", "k"), `flow.g["k"]`, parts{"flow", "g", `g["k"]`, `flow.g["k"]`}},
		{spec.FlowAddress("g", `a"].job.b`), `flow.g["a\"].job.b"]`, parts{"flow", "g", `g["a\"].job.b"]`, `flow.g["a\"].job.b"]`}},
		{spec.FlowAddress("g", `a.job.b`).Job(spec.Instance("x", "ü.job.")), `flow.g["a.job.b"].job.x["ü.job."]`, parts{"job", "x", `x["ü.job."]`, `flow.g["a.job.b"]`}},
		{spec.FlowAddress("g", "").Job("x"), "flow.g.job.x", parts{"job", "x", "x", "flow.g"}},
		{spec.ScheduleAddress("s", ""), "schedule.s", parts{"schedule", "s", "s", "schedule.s"}},
		{spec.PoolAddress("p", "1"), `pool.p["1"]`, parts{"pool", "p", `p["1"]`, `pool.p["1"]`}},
	} {
		a, err := spec.ParseAddress(tc.want)
		if err != nil || a != tc.got {
			t.Errorf("%s: got %s, %v", tc.want, tc.got, err)
		}
		if got := (parts{a.Kind(), a.Name(), a.Instance(), string(a.Flow())}); got != tc.parts {
			t.Errorf("%s: got %v, want %v", a, got, tc.parts)
		}
	}
}

// TestModuleAddress: modules stand before everything, and their keys may look
// like addresses.
func TestSet(t *testing.T) {
	for a, want := range map[spec.Address]spec.Address{
		`flow.g`: "flow.g", `flow.g["a]"]`: "flow.g", `flow.g["a.b"].job.x`: `flow.g["a.b"].job.x`, `flow.g["k"].job.x["["]`: `flow.g["k"].job.x`,
		`module.m["k"]`: "module.m", `module.a["k"].module.m["k"]`: `module.a["k"].module.m`, `module.m["k"].pool.p`: `module.m["k"].pool.p`,
	} {
		if got := a.Set(); got != want {
			t.Errorf("set of %s: %s, want %s", a, got, want)
		}
	}
}

func TestModuleAddress(t *testing.T) {
	inner := spec.ModuleAddress("b", "x.flow.y").In(spec.ModuleAddress("a", ""))
	for _, tc := range []struct{ whole, module, local spec.Address }{
		{spec.FlowAddress("g", "k"), "", `flow.g["k"]`},
		{spec.FlowAddress("g", "").In(inner), `module.a.module.b["x.flow.y"]`, "flow.g"},
		{spec.FlowAddress("g", "").Job("x").In(inner), `module.a.module.b["x.flow.y"]`, "flow.g.job.x"},
		{inner, "module.a", `module.b["x.flow.y"]`},
	} {
		if tc.whole.Module() != tc.module || tc.whole.Local() != tc.local || tc.local.In(tc.module) != tc.whole {
			t.Errorf("%s is %s in %q", tc.whole, tc.whole.Local(), tc.whole.Module())
		}
		_, err := spec.ParseAddress(string(tc.whole))
		if tc.whole == inner {
			_, err = spec.ParseModule(string(tc.whole))
		}
		if err != nil {
			t.Error(err)
		}
	}
	job := spec.FlowAddress("g", "").Job("x").In(inner)
	if job.Kind() != spec.JobKind || job.Name() != "x" || job.Flow() != spec.FlowAddress("g", "").In(inner) {
		t.Errorf("%s is a %s named %s of %s", job, job.Kind(), job.Name(), job.Flow())
	}
	for _, text := range []string{"module.a", "module.flow.g", "module.a.", "module..flow.g", "module.a.b.flow.g", `module.a[k].flow.g`} {
		if a, err := spec.ParseAddress(text); err == nil {
			t.Errorf("%q is taken as %s", text, a)
		}
	}
	for _, text := range []string{"", "flow.g", "module.a.flow.g", "module.", "module.a.module"} {
		if a, err := spec.ParseModule(text); err == nil {
			t.Errorf("%q is taken as module %s", text, a)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, text := range []string{
		"", "flow", "flow.", "flow.G", "flow.g[", `flow.g["k"`, `flow.g[k]`, `flow.g[""]`, `flow.g['k']`, "flow.g[`k`]", `flow.g["k"]x`, "flow.g.job.", "flow.g.job.x.job.y",
		"pool.p.job.x", "job.x", "flow.a b", "flow.-a", "flow." + strings.Repeat("a", 65), "flow.g.x",
	} {
		if a, err := spec.ParseAddress(text); err == nil {
			t.Errorf("%q is taken as %s", text, a)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]spec.Duration{"90s": 90 * spec.Second, "1h30m": 5400 * spec.Second, "1us": 1, "0": 0, "1.5s": spec.Second * 3 / 2} {
		if got, err := spec.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "90", "-1s", "1ns", "1d", "300000h1000000000h", "1s "} {
		if got, err := spec.ParseDuration(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func TestDependencyName(t *testing.T) {
	for addr, want := range map[spec.Address]string{
		"dependency.etl":                      "etl LFT_DEP_ETL",
		"dependency.a-b_c":                    "a-b_c LFT_DEP_A_B_C",
		`dependency.etl["eu/Berlin.1"]`:       "etl.eu_Berlin_1 LFT_DEP_ETL_EU_BERLIN_1",
		`dependency.etl["é"]`:                 "etl._ LFT_DEP_ETL__",
		`dependency.etl[".."]`:                "etl.__ LFT_DEP_ETL___",
		`module.m["k"].dependency.etl["x y"]`: "etl.x_y LFT_DEP_ETL_X_Y",
	} {
		if got := addr.DependencyName() + " " + addr.DependencyVariable(); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
