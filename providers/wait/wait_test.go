package wait_test

import (
	"encoding/json"
	"testing"

	"github.com/leifengta/lft/providers/providertest"
	"github.com/leifengta/lft/providers/wait"
)

func TestWait(t *testing.T) {
	providertest.Run(t, wait.Type{}, []providertest.Case{
		{Name: "duration", Args: `{"duration":"1h30m"}`},
		{Name: "none", Args: `{"duration":"0s"}`},
		{Name: "missing", Args: `{}`, Error: "duration is missing"},
		{Name: "no duration", Args: `{"duration":"soon"}`, Error: `"soon" is no duration`},
		{Name: "negative", Args: `{"duration":"-1s"}`, Error: "negative"},
		{Name: "longest", Args: `{"duration":"8784h"}`},
		{Name: "too long", Args: `{"duration":"10000h"}`, Error: "longer than"},
	})
	body, err := wait.Type{}.Generate(json.RawMessage(`{"duration":"90m"}`))
	if want := `{"wait":"1h30m0s"}`; err != nil || string(body) != want {
		t.Errorf("body %s (%v), want %s", body, err, want)
	}
}
