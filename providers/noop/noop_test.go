package noop_test

import (
	"testing"

	"github.com/leifengta/lft/providers/noop"
	"github.com/leifengta/lft/providers/providertest"
)

func TestNoop(t *testing.T) {
	providertest.Run(t, noop.Type{}, []providertest.Case{{Name: "nothing", Args: `{}`}})
}
