package diag_test

import (
	"testing"

	"github.com/leifengta/lft/lang/diag"
)

func TestSuggest(t *testing.T) {
	names := []string{"all_done", "all_success", "timeout", "trigger", "a", "retry"}
	for name, want := range map[string]string{
		"all_doen": "all_done", "al_done": "all_done", "timout": "timeout", "TIMEOUT": "", "triger": "trigger", "b": "", "zzz": "", "": "", "retries": "retry", "x_y_z_q": "",
	} {
		if got := diag.Suggest(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
