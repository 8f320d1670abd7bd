package builtin_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/providers/builtin"
)

func TestSet(t *testing.T) {
	set := builtin.Set()
	if diff := cmp.Diff([]string{"flow", "noop", "shell", "wait"}, slices.Sorted(maps.Keys(set))); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	delete(set, "shell")
	if builtin.Set()["shell"] == nil {
		t.Error("the set is shared between callers")
	}
}
