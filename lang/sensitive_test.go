package lang_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/spec"
)

// masked is an object as JSON with what its pointers name taken out.
func masked(t *testing.T, canonical []byte, pointers []string) any {
	t.Helper()
	var object any
	if err := json.Unmarshal(canonical, &object); err != nil {
		t.Fatal(err)
	}
	for _, pointer := range pointers {
		if pointer == "" {
			return nil
		}
		steps := strings.Split(pointer[1:], "/")
		at := object
		for i, step := range steps {
			step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
			if list, ok := at.([]any); ok {
				n := slices.IndexFunc(list, func(e any) bool { return e.(map[string]any)["name"] == step })
				if n < 0 {
					t.Fatalf("%s leads nowhere in %s", pointer, canonical)
				}
				at = list[n]
				continue
			}
			members := at.(map[string]any)
			if _, ok := members[step]; !ok {
				t.Fatalf("%s leads nowhere in %s", pointer, canonical)
			}
			if at = members[step]; i == len(steps)-1 {
				members[step] = nil
			}
		}
	}
	return object
}

// TestMaskedIsAll: two folders that differ in their secrets are one when all that
// is marked is masked.
func TestMaskedIsAll(t *testing.T) {
	text, err := os.ReadFile("testdata/good/sensitive.hcl")
	if err != nil {
		t.Fatal(err)
	}
	// What the author has shown on purpose is no secret.
	source := strings.NewReplacer("LENGTH = local.public", "", "SHOWN  = nonsensitive(var.password)", "").Replace(string(text)) + `
output "o" {
  value     = { a = var.password, b = "b" }
  sensitive = true
}
`
	all := func(password, token, many string) []any {
		bundle, list := lang.Load(folder(map[string]string{"main.hcl": source}), lang.Options{JobTypes: jobTypes(), Given: []lang.Given{
			{Name: "password", Text: password}, {Name: "settings", Text: `{ USER = "u", TOKEN = "` + token + `" }`}, {Name: "many", Text: many},
		}})
		if bundle == nil {
			t.Fatal(render(list))
		}
		var objects []any
		add := func(addr spec.Address, canonical []byte, pointers []string) {
			objects = append(objects, addr, masked(t, canonical, pointers))
		}
		for _, f := range bundle.Flows {
			add(f.Address, f.Canonical(), f.Sensitive)
		}
		for _, s := range bundle.Schedules {
			add(s.Address, s.Canonical(), s.Sensitive)
		}
		for _, p := range bundle.Pools {
			add(p.Address, p.Canonical(), p.Sensitive)
		}
		for _, o := range bundle.Outputs {
			add(o.Address, o.Canonical(), o.Sensitive)
		}
		return objects
	}
	first, second := all("one", "t1", "3"), all("another", "t2", "4")
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("secrets are seen: %s", diff)
	}
	if text, _ := json.Marshal(first); strings.Contains(string(text), "one@") {
		t.Error("a secret is seen in both")
	}
}

// TestFindingsKeepSecrets: no finding quotes a secret, but for the line on which
// its author wrote it.
func TestFindingsKeepSecrets(t *testing.T) {
	text, err := os.ReadFile("testdata/bad/sensitive.hcl")
	if err != nil {
		t.Fatal(err)
	}
	_, list := load(string(text))
	if len(list) < 10 {
		t.Fatal(render(list))
	}
	for _, d := range list {
		said := d.Summary + d.Detail + d.Address
		if d.Snippet != nil {
			for _, v := range d.Snippet.Values {
				said += v.Traversal + v.Statement
			}
		}
		if strings.Contains(said, "s3cret") {
			t.Errorf("%s: %s", d.Summary, said)
		}
	}
}
