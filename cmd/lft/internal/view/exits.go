package view

import (
	"fmt"
	"maps"
	"slices"
)

// ExitTable is what the exit codes of verbs mean.
type ExitTable struct{ Columns []ExitColumn }

// ExitColumn is the meaning of each code of one verb.
type ExitColumn struct {
	Verb  string
	Codes map[int]string
}

// Show writes the table, verb by verb: the meanings are too long to stand side by
// side.
func (x ExitTable) Show(t *Terminal) {
	var rows table
	rows.head("COMMAND", "CODE", "MEANING")
	for _, column := range x.Columns {
		name := column.Verb
		for _, code := range slices.Sorted(maps.Keys(column.Codes)) {
			rows.row(cell{text: name}, cell{text: fmt.Sprint(code)}, cell{text: column.Codes[code]})
			name = ""
		}
	}
	rows.show(t)
}
