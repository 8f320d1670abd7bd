// Package providertest is the exam of a job type. A type that passes it keeps
// the contract of package providers as far as a test can see: constant schema,
// Generate without memory or surroundings, Command without touching the world.
package providertest

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Case is one call of Generate.
type Case struct {
	Name  string
	Args  string             // JSON object
	Error string             // part of Generate's error; "" = none is expected
	Want  *providers.Process // what Command must make of it, if not nil
}

// maxBody leaves room for the rest of a task in its row.
const maxBody = 448 << 10

// Run examines a type with at least one case that Generate accepts.
func Run(t *testing.T, jt providers.JobType, cases []Case) {
	t.Run("schema", func(t *testing.T) { examineSchema(t, jt) })
	t.Run("garbage", func(t *testing.T) { examineGarbage(t, jt) })
	accepted := 0
	for _, c := range cases {
		if c.Error == "" {
			accepted++
		}
		t.Run(c.Name, func(t *testing.T) { examineCase(t, jt, c) })
	}
	if accepted == 0 {
		t.Error("no case that Generate accepts")
	}
}

func examineSchema(t *testing.T, jt providers.JobType) {
	s := jt.Schema()
	if diff := cmp.Diff(s, jt.Schema()); diff != "" {
		t.Errorf("two calls differ:\n%s", diff)
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`).MatchString(s.Name) {
		t.Errorf("name %q", s.Name)
	}
	kinds := []spec.Kind{spec.KindProcess, spec.KindInstant, spec.KindTimer, spec.KindFlow}
	if !slices.Contains(kinds, spec.Kind(s.Kind)) {
		t.Errorf("kind %q is none", s.Kind)
	}
	if s.Description == "" {
		t.Error("no description")
	}
	if !slices.IsSortedFunc(s.Attributes, func(a, b schema.Attribute) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("attributes are not sorted by name")
	}
	for _, a := range s.Attributes {
		if a.Description == "" {
			t.Errorf("attribute %s: no description", a.Name)
		}
		if !json.Valid(a.Type) {
			t.Errorf("attribute %s: type %q is no JSON", a.Name, a.Type)
		}
	}
}

// examineGarbage hands over what no plan produces; an error is fine, a panic is
// not.
func examineGarbage(t *testing.T, jt providers.JobType) {
	for _, text := range []string{"", "null", "[]", `"x"`, `{"`, `{"command":7}`, `{"no_such_argument":1}`, "\x00"} {
		if body, err := jt.Generate(json.RawMessage(text)); err == nil && !json.Valid(body) {
			t.Errorf("Generate(%q) made %q", text, body)
		}
		_, _ = jt.Command(json.RawMessage(text))
	}
}

func examineCase(t *testing.T, jt providers.JobType, c Case) {
	before := surroundings(t)
	args := json.RawMessage(c.Args)
	body, err := jt.Generate(args)
	if c.Error != "" {
		if err == nil || !strings.Contains(err.Error(), c.Error) {
			t.Fatalf("Generate: error %v, want one with %q", err, c.Error)
		}
		return
	}
	if err != nil {
		t.Fatalf("Generate: %v", err)
	}
	if string(args) != c.Args {
		t.Error("Generate changed its input")
	}
	examineBody(t, jt, args, body)
	if jt.Schema().Kind == string(spec.KindProcess) {
		examineProcess(t, jt, body, c.Want)
	}
	if diff := cmp.Diff(before, surroundings(t)); diff != "" {
		t.Errorf("the world was touched:\n%s", diff)
	}
}

func examineBody(t *testing.T, jt providers.JobType, args, body json.RawMessage) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		t.Fatalf("Generate made no JSON object: %s", body)
	}
	for name, value := range object {
		if string(value) == "null" {
			t.Errorf("Generate made a null member %q", name)
		}
	}
	if len(body) > maxBody {
		t.Errorf("Generate made %d bytes", len(body))
	}
	again, err := jt.Generate(slices.Clone(args))
	if err != nil || !bytes.Equal(body, again) {
		t.Errorf("Generate is not deterministic: %s, then %s (%v)", body, again, err)
	}
	if jt.Schema().Kind == string(spec.KindTimer) {
		var timer providers.Timer
		if err := json.Unmarshal(body, &timer); err != nil || timer.Wait < 0 || object["wait"] == nil {
			t.Errorf("a timer's body says no wait: %s (%v)", body, err)
		}
	}
}

// examineProcess sends the body the way a Task goes, and checks what the keeper
// relies on.
func examineProcess(t *testing.T, jt providers.JobType, body json.RawMessage, want *providers.Process) {
	sent, err := json.Marshal(providers.Task{Type: jt.Schema().Name, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	var task providers.Task
	if err := json.Unmarshal(sent, &task); err != nil {
		t.Fatal(err)
	}
	p, err := jt.Command(task.Body)
	if err != nil {
		t.Fatalf("Command: %v", err)
	}
	again, err := jt.Command(task.Body)
	if diff := cmp.Diff(p, again); err != nil || diff != "" {
		t.Errorf("Command is not deterministic (%v):\n%s", err, diff)
	}
	if len(p.Argv) == 0 || p.Argv[0] == "" {
		t.Errorf("Command names no program: %q", p.Argv)
	}
	seen := map[string]bool{}
	for _, f := range p.Files {
		if !fs.ValidPath(f.Name) || f.Name == "." || seen[f.Name] {
			t.Errorf("file name %q", f.Name)
		}
		if f.Mode&^0o777 != 0 || f.Mode&0o400 == 0 {
			t.Errorf("file %s: mode %o", f.Name, f.Mode)
		}
		seen[f.Name] = true
	}
	if want == nil {
		return
	}
	if diff := cmp.Diff(*want, p); diff != "" {
		t.Errorf("process (-want +got):\n%s", diff)
	}
}

// surroundings is what a careless type would change.
func surroundings(t *testing.T) []string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(wd, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return append(append(os.Environ(), wd), names...)
}
