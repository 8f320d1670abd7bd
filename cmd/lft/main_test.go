package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary lft itself when it is called so, for the scripts and for the keepers they start.
func TestMain(m *testing.M) {
	version = "test"
	testscript.Main(m, map[string]func(){"lft": main})
}
