package lang_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/providers/builtin"
)

// A folder means the same whoever has saved it: Windows' line ends get neither
// into scripts nor into digests.
func TestLineEnds(t *testing.T) {
	const text = "flow \"f\" {\n  job \"shell\" \"a\" {\n    script = <<-EOT\n      set -e\n      true\n    EOT\n    stdin  = \"a\\r\\nb\"\n  }\n}\n"
	load := func(text string) string {
		b, found := lang.Load(fstest.MapFS{"main.hcl": {Data: []byte(text)}}, lang.Options{JobTypes: builtin.Set().Schemas()})
		if found.HasErrors() {
			t.Fatal(found)
		}
		return string(b.Flows[0].Canonical())
	}
	unix := load(text)
	if !strings.Contains(unix, `"set -e\ntrue\n"`) || !strings.Contains(unix, `"a\r\nb"`) {
		t.Errorf("got %s", unix)
	}
	if diff := cmp.Diff(unix, load(strings.ReplaceAll(text, "\n", "\r\n"))); diff != "" {
		t.Errorf("with other line ends (-want +got):\n%s", diff)
	}
}
