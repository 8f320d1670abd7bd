package lang_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
)

var update = flag.Bool("update", false, "write golden files anew; review the difference")

// golden compares with a file beside the input.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +now; -update writes it):\n%s", path, diff)
	}
}

func folder(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func load(text string) (*spec.Bundle, diag.List) {
	return lang.Load(folder(map[string]string{"main.hcl": text}), lang.Options{JobTypes: jobTypes(), Version: "1.2.3"})
}

// TestBad: every finding of a file, in one pass, each at its place.
func TestBad(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.hcl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".hcl"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bundle, list := load(string(text))
			if bundle != nil || !list.HasErrors() {
				t.Errorf("it was accepted: %+v", bundle)
			}
			golden(t, strings.TrimSuffix(path, ".hcl")+".txt", render(list))
		})
	}
}

// TestGood: what folders mean, as the canonical JSON of all they declare.
func TestGood(t *testing.T) {
	paths, err := filepath.Glob("testdata/good/*.hcl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".hcl"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bundle, list := load(string(text))
			got := render(list)
			if bundle != nil {
				got += dump(t, bundle)
			}
			golden(t, strings.TrimSuffix(path, ".hcl")+".txt", got)
		})
	}
}

// dump writes each object on a line of its own, and each job of a flow.
func dump(t *testing.T, bundle *spec.Bundle) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "project %s\n", bundle.Project)
	line := func(addr spec.Address, data []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		at := bundle.Positions[addr]
		if at.Line == 0 {
			t.Errorf("%s has no position", addr)
		}
		fmt.Fprintf(&b, "%s (line %d)\n  %s\n", addr, at.Line, data)
	}
	for _, f := range bundle.Flows {
		jobs := f.Jobs
		again, err := spec.DecodeFlow(f.Canonical(), f.Address)
		if err != nil || string(again.Canonical()) != string(f.Canonical()) {
			t.Errorf("%s does not survive its JSON: %v", f.Address, err)
		}
		f.Jobs = nil
		line(f.Address, f.Canonical(), nil)
		for _, j := range jobs {
			data, err := j.MarshalJSON()
			line(f.Address.Job(j.Name), data, err)
		}
	}
	for _, s := range bundle.Schedules {
		line(s.Address, s.Canonical(), nil)
	}
	for _, p := range bundle.Pools {
		line(p.Address, p.Canonical(), nil)
	}
	for _, c := range bundle.Calendars {
		line(c.Address, c.Canonical(), nil)
	}
	for _, d := range bundle.Dependencies {
		line(d.Address, d.Canonical(), nil)
		fmt.Fprintf(&b, "  files in %s\n", bundle.Sources[d.Address])
	}
	for _, o := range bundle.Outputs {
		line(o.Address, o.Canonical(), nil)
	}
	for _, m := range bundle.Moved {
		fmt.Fprintf(&b, "moved %s to %s (line %d)\n", m.From, m.To, m.At.Line)
	}
	for _, r := range bundle.Removed {
		fmt.Fprintf(&b, "removed %s (line %d)\n", r.From, r.At.Line)
	}
	for _, c := range bundle.Checks {
		fmt.Fprintf(&b, "check %s passed %v %q (line %d)\n", c.Name, c.Passed, c.Message, c.At.Line)
	}
	return b.String()
}
