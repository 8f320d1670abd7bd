// Package examples holds projects that lft init writes into an empty folder, the
// same files that stand beside this one.
//
// Each of them plans, applies and runs as it is, without a network; a script test
// proves it. The package only hands out files: it never writes or evaluates them.
package examples

import (
	"embed"
	"io/fs"
	"slices"
)

//go:embed starter starter/.gitignore weather
var files embed.FS

// Starter is the example of who asks for none.
const Starter = "starter"

// Names lists the examples, sorted.
func Names() []string { return []string{Starter, "weather"} }

// Open returns the folder of an example, and false when there is none of the name.
func Open(name string) (fs.FS, bool) {
	if !slices.Contains(Names(), name) {
		return nil, false
	}
	folder, err := fs.Sub(files, name)
	return folder, err == nil
}

// FirstFlow is the flow of an example that a reader may run first.
func FirstFlow(name string) string {
	if name == Starter {
		return "flow.daily"
	}
	return "flow." + name
}
