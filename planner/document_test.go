package planner_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

var update = flag.Bool("update", false, "write the golden files again")

func plan(changes []planner.Change) *planner.Plan {
	return &planner.Plan{
		LftVersion: "v1",
		Project:    planner.Project{Name: "p", UID: "u1", Lineage: "l", Origin: "h:/p", Revision: 3},
		Folder:     planner.Folder{Lineage: "l", Origin: "h:/q"},
		Changes:    changes,
		Impact: planner.Impact{
			Schedules: []planner.ScheduleImpact{{
				Address: "schedule.s", Timezone: "Asia/Shanghai",
				After: []planner.Fire{{Local: "2026-01-01T02:00:00+08:00", UTC: "2025-12-31T18:00:00Z"}},
			}},
			Executions: []planner.ExecutionImpact{{ID: "x", Flow: "flow.a", State: "QUEUED", Revision: 2, Fate: planner.Cancelled}},
			Kinds:      []planner.Effect{planner.CancelsQueued},
		},
	}
}

func encode(t interface{ Fatal(...any) }, p *planner.Plan) []byte {
	data, err := planner.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// examplePlan has every kind of change, to objects, jobs and edges.
func examplePlan(t *testing.T) *planner.Plan {
	t.Helper()
	flowA := flow("a", job("x"), job("y"), job("z", after("y")))
	flowA.Description = "new"
	return plan(append(diff(t,
		bundle(flow("a", job("w"), job("x"), job("y", after("x"))), flow("b", job("x"))),
		bundle(flowA, &spec.Flow{Address: `flow.c["k"]`, Description: "<&>"}),
	), moved(t, "m", job("y")), moved(t, "n", job("x"))))
}

// moved makes flow.old_NAME with a job x into flow.NAME with another job.
func moved(t *testing.T, name string, j *spec.Job) planner.Move {
	t.Helper()
	from, specs := deployed(bundle(flow(name, job("x"))), 3)
	u := planner.Update{
		Old: planner.Previous{Object: from.Objects[0], Data: specs[from.Objects[0].Digest]},
		New: planner.Declare(bundle(flow(name, j)))[0],
	}
	if changes := diff(t, bundle(flow(name, job("x"))), bundle(flow(name, j))); len(changes) > 0 {
		u = changes[0].(planner.Update)
	}
	u.Old.Address = spec.FlowAddress("old_"+name, "")
	return planner.Move{Update: u}
}

func TestDocumentGolden(t *testing.T) {
	for name, p := range map[string]*planner.Plan{"plan": examplePlan(t), "whole": wholePlan(t)} {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata", name+".json")
			var got bytes.Buffer
			if err := json.Indent(&got, encode(t, p), "", "  "); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Errorf("document (-want +got), -update when it is meant:\n%s", d)
			}
		})
	}
}

// TestDocumentMayBeIndented: a person who has looked at a saved plan with other
// tools can still apply it.
func TestDocumentMayBeIndented(t *testing.T) {
	p := wholePlan(t)
	var indented bytes.Buffer
	if err := json.Indent(&indented, encode(t, p), "", "\t"); err != nil {
		t.Fatal(err)
	}
	got, err := planner.Decode(indented.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, got); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan(diff(t, anyBundle(t, "from"), anyBundle(t, "to")))
		p.Mode = rapid.SampledFrom([]planner.Mode{planner.Normal, planner.Destroy}).Draw(t, "mode")
		p.Adopt = rapid.Bool().Draw(t, "adopt")
		data := encode(t, p)
		got, err := planner.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, got); d != "" {
			t.Fatalf("plan (-want +got):\n%s", d)
		}
		if again := encode(t, got); !bytes.Equal(data, again) {
			t.Fatalf("encoded again:\n%s\nwant\n%s", again, data)
		}
		undeclared := p.Summary().Destroy > 0
		if bytes.Contains(data, []byte("no_resource_config")) != undeclared {
			t.Fatalf("mode %q, and the reasons are those of another plan:\n%s", p.Mode, data)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	good := string(encode(t, examplePlan(t)))
	for _, tc := range []struct{ name, old, new, want string }{
		{"no JSON", good, "PK\x03\x04", "no plan of lft"},
		{"another major version", `"format_version":"1.2"`, `"format_version":"2.0"`, "format version"},
		{"an unknown mode", `"format_version":"1.2"`, `"format_version":"1.2","mode":"sideways"`, "does not know the mode"},
		{"drift only, with changes", `"format_version":"1.2"`, `"format_version":"1.2","mode":"refresh-only"`, "to show drift only, and changes something"},
		{"errors", `"errored":false`, `"errored":true`, "the plan has errors"},
		{"one object twice", `"uid":"uid of flow.b"`, `"uid":"uid of flow.a"`, "changes one object twice"},
		{"a new object with a uid", `"address":"flow.c[\"k\"]"`, `"uid":"x","version":1,"address":"flow.c[\"k\"]"`, "cannot have a uid"},
		{"a type that is not the address's", `"type":"flow","name":"b"`, `"type":"pool","name":"b"`, "not that of its address"},
		{"no project", `"name":"p","uid"`, `"name":"","uid"`, "names no project"},
		{"unknown action", `"actions":["create"],"before":null`, `"actions":["forget"],"before":null`, "do not fit the action"},
		{"two actions", `"actions":["create"],"before":null`, `"actions":["delete","create"],"before":null`, "one action"},
		{"no uid", `"uid":"uid of flow.b"`, `"uid":""`, "uid"},
		{"no version", `"uid":"uid of flow.b","version":3`, `"uid":"uid of flow.b","version":0`, "uid or version"},
		{"nothing to create", `"after":{"description":"<&>","format":1}`, `"after":null`, "do not fit the action"},
		{"a text for a spec", `"after":{"description":"<&>","format":1}`, `"after":"x"`, "is no spec"},
		{"an update to the same", `"previous_address":"flow.old_n",`, ``, "changes nothing"},
		{"moved from another kind", `"flow.old_n"`, `"pool.old_n"`, "cannot have moved"},
		{"one address twice", `"address":"flow.b","mode":"managed","type":"flow","name":"b"`, `"address":"flow.a","mode":"managed","type":"flow","name":"a"`, "out of order"},
		{"doubled jobs", `"name":"z"`, `"name":"x"`, `no element of its own named "x"`},
		{"no list of jobs", `"jobs":[{"args":{"script":"echo"},"name":"x","type":"shell"},`, `"jobs":{"x":[]},"rest":[`, "jobs of flow.a"},
		{"no list of upstreams", `"upstreams":["y"]`, `"upstreams":"y"`, "jobs of flow.a"},
		{"no address", `"address":"flow.b"`, `"address":"b"`, "address"},
		{"order", `"address":"flow.b","mode":"managed","type":"flow","name":"b"`, `"address":"flow.z","mode":"managed","type":"flow","name":"z"`, "out of order"},
		{"a name that is not the address's", `"type":"flow","name":"b"`, `"type":"flow","name":"c"`, "not that of its address"},
		{"a masked plan", `"applyable":true`, `"masked":true`, "masked"},
		{"job as an object", `"address":"flow.b"`, `"address":"flow.b.job.x"`, "cannot be deployed"},
		{"a spec that is none", `"actions":["create"],"before":null,"after":{`, `"actions":["create"],"before":null,"after":[{`, "no plan"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bad := strings.Replace(good, tc.old, tc.new, 1)
			if bad == good {
				t.Fatalf("the document has no %s", tc.old)
			}
			_, err := planner.Decode([]byte(bad))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

// TestDecodeRefusesDrift that is of no kind.
func TestDecodeRefusesDrift(t *testing.T) {
	good := string(encode(t, wholePlan(t)))
	bad := strings.Replace(good, `"lost":{"digest":"d1"}`, `"lost":null`, 1)
	if _, err := planner.Decode([]byte(bad)); bad == good || err == nil || !strings.Contains(err.Error(), "neither an override nor a loss") {
		t.Errorf("error %v", err)
	}
}

// FuzzDecode: a file from anywhere never panics, and what is accepted is the plan
// its own encoding means.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add(encode(f, wholePlan(f)))
	f.Add([]byte(`{"format_version":"1.0","project":{"name":"p"},"resource_changes":[{"address":"flow.a","change":{"actions":["create"],"after":{"format":1}}}]}`))
	f.Add([]byte(`{"format_version":"1.9","project":{"name":"p"},"resource_changes":[{"address":"flow.a","uid":"u","version":1,"change":{"actions":["update"],"before":{"jobs":[{"name":"a"}]},"after":{"jobs":[{"name":"a","args":{"x":1}}]}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := planner.Decode(data)
		if err != nil {
			return
		}
		again, err := planner.Decode(encode(t, p))
		if err != nil {
			t.Fatalf("what was accepted is refused after encoding: %v", err)
		}
		if d := cmp.Diff(p, again); d != "" {
			t.Fatalf("another plan after encoding (-want +got):\n%s", d)
		}
	})
}

// TestDecodeBombs: documents that are made to be slow are not.
func TestDecodeBombs(t *testing.T) {
	update := func(before, after string) string {
		return `{"format_version":"1.2","project":{"name":"p"},"resource_changes":[{"address":"flow.a","type":"flow","name":"a","uid":"u","version":1,` +
			`"change":{"actions":["update"],"before":{` + before + `},"after":{` + after + `}}}]}`
	}
	nested := func(core string) string {
		return `"x":` + strings.Repeat(`{"x":`, 4000) + core + strings.Repeat(`}`, 4000)
	}
	var upstreams, outputs strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&upstreams, `,"n%d"`, i)
	}
	for i := range 8_000 {
		fmt.Fprintf(&outputs, `,"o%d":{"actions":["create"],"after":1,"after_spec":{"value":1}}`, i)
	}
	for name, text := range map[string]string{
		"deep":           update(nested("1"), nested("2")),
		"many upstreams": update(`"jobs":[{"name":"a","upstreams":["x"`+upstreams.String()+`]}]`, `"jobs":[{"name":"a","upstreams":["y"`+upstreams.String()+`]}]`),
		"many outputs":   `{"format_version":"1.2","project":{"name":"p"},"output_changes":{` + outputs.String()[1:] + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			p, err := planner.Decode([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			encode(t, p.Mask())
		})
	}
}
