package record_test

import (
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/record"
)

// The ids below are in databases and journals: they may never change.
func TestIDsAreForEver(t *testing.T) {
	for name, got := range map[string]string{
		"fire":   record.FireID("u1", 1772452800000000),
		"token":  record.Token("x", 3, "", 1),
		"object": record.ObjectUID("lineage", "flow", "flow.f", 7),
		"note":   record.NoteID("x", "cancel", 5, 1),
		"random": record.NewID([16]byte{1, 2, 3}),
	} {
		want := map[string]string{
			"fire":   "f89scfes1p7cec4on18klq5m53",
			"token":  "tfkhijmicjl6p5jqln8pfvpb9k",
			"object": "uhsish66grmvo9ggckv29jejh1",
			"note":   "n9js7gnrbkoclqhdhdllaqcf03",
			"random": "r0410600000000000000000000",
		}[name]
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if len(got) != record.IDLength || strings.ToLower(got) != got {
			t.Errorf("%s: %s has not the shape of an id", name, got)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	seen := map[string]string{}
	add := func(what, id string) {
		if other := seen[id]; other != "" {
			t.Errorf("%s and %s are both %s", what, other, id)
		}
		seen[id] = what
	}
	add("token", record.Token("x", 1, "", 1))
	add("token of another job", record.Token("x", 2, "", 1))
	add("token of another attempt", record.Token("x", 1, "", 2))
	add("token of another key", record.Token("x", 1, "k", 1))
	add("token of another execution", record.Token("xx", 1, "", 1))
	add("object", record.ObjectUID("a", "bc", "d", 1))
	add("object cut elsewhere", record.ObjectUID("ab", "c", "d", 1))
	add("fire", record.FireID("a", 1))
	add("fire later", record.FireID("a", 2))
}

func TestValidExecutionID(t *testing.T) {
	fire := record.FireID("u", 1)
	for id, want := range map[string]bool{
		"x": true, "nightly-2026.03_02": true, "0": true, strings.Repeat("a", 64): true, record.NewID([16]byte{}): true,
		"": false, "-x": false, ".x": false, "_x": false, "a b": false, "a/b": false, "ä": false, "a\n": false,
		strings.Repeat("a", 65): false, fire: false, fire[:25]: true, "F" + fire[1:]: true,
	} {
		if got := record.ValidExecutionID(id); got != want {
			t.Errorf("ValidExecutionID(%q) = %v", id, got)
		}
	}
	if !record.IsFireID(fire) || record.IsFireID(fire+"0") || record.IsFireID("f"+strings.Repeat("z", 25)) {
		t.Error("IsFireID does not tell fires")
	}
}

func TestCut(t *testing.T) {
	for _, tc := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aé", 2, "a"}, {"aé", 3, "aé"}, {"雷峰塔", 8, "雷峰"}, {"雷", 2, ""},
	} {
		if got := record.Cut(tc.text, tc.limit); got != tc.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tc.text, tc.limit, got, tc.want)
		}
	}
}
