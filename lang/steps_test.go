package lang_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leifengta/lft/lang"
)

// TestStepsGrowWithTheSource: a short text cannot compute for long, and a long
// one, or one that for_each makes long, may.
func TestStepsGrowWithTheSource(t *testing.T) {
	loops := `length([for a in range(1000) : length([for b in range(1000) : b * a])])`
	_, list := load("locals {\n  a = " + loops + "\n}\n" + "flow \"f\" {\n  job \"noop\" \"a\" {}\n}\n")
	if len(list) == 0 || list[0].Code != lang.CodeLimit || !strings.Contains(list[0].Detail, "folder of this size") {
		t.Errorf("a short loop for ever: %+v", list)
	}
	text := `
flow "f" {
  for_each = toset([for i in range(10) : "k${i}"])
  job "shell" "a" {
    for_each = toset([for i in range(40) : "k${i}"])
    command  = ["/bin/true", each.key, join("-", [for i in range(30) : upper("x${i}")])]
    env      = { A = "${each.key}-${upper(each.value)}", B = join(",", [for i in range(30) : "y${i}${each.key}"]) }
  }
}`
	if _, list := load(text); len(list) > 0 {
		t.Errorf("400 jobs of one block: %+v", list[0])
	}
	files := map[string]string{}
	for i := range 8 {
		files[fmt.Sprintf("f%d.hcl", i)] = strings.Replace(text, `flow "f"`, fmt.Sprintf("flow \"f%d\"", i), 1)
	}
	delete(files, "f0.hcl")
	if _, list := lang.Load(folder(files), lang.Options{JobTypes: jobTypes()}); len(list) > 0 {
		t.Errorf("2 800 jobs of seven files: %+v", list[0])
	}
}
