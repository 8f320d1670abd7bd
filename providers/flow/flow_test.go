package flow_test

import (
	"testing"

	"github.com/leifengta/lft/providers/flow"
	"github.com/leifengta/lft/providers/providertest"
)

func TestFlow(t *testing.T) {
	providertest.Run(t, flow.Type{}, []providertest.Case{{Name: "nothing of its own", Args: `{}`}})
}
