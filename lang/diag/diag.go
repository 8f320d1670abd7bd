// Package diag holds findings for users: what is wrong, where, and what to do.
//
// A Diagnostic is for the person who wrote the configuration; a Go error is for
// us, when lft itself failed. The package promises a stable order (Sort), a
// stable code per finding and a snippet that needs no file access later. It
// never reads files, prints, or knows colours: that is the view's work.
package diag

import (
	"cmp"
	"slices"
	"strings"
)

// Severity says whether a finding stops the command.
type Severity uint8

// The severities, in the order in which they are shown.
const (
	Error Severity = iota
	Warning
)

// String returns the word used in text and JSON.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Pos is a place in a file. Line and Column count from 1 (columns in grapheme
// clusters, as HCL does), Byte from 0.
type Pos struct {
	Line, Column, Byte int
}

// Range is a half-open span of one file, named relative to the loaded folder.
type Range struct {
	File       string
	Start, End Pos
}

// IsZero reports whether the range names no place.
func (r Range) IsZero() bool { return r.File == "" }

// Snippet is the source text a finding points at, cut out while the file was at
// hand. Offsets are bytes into Code.
type Snippet struct {
	Context                      string // header of the enclosing block, or ""
	Code                         string // whole lines, no trailing newline
	StartLine                    int
	HighlightStart, HighlightEnd int
	Values                       []Value // of what the code mentions, sorted
}

// Value says what a reference in a snippet stands for, in the words of Terraform:
// var.stage is "dev". What is sensitive is not shown.
type Value struct {
	Traversal string // var.stage
	Statement string // is "dev"
}

// Diagnostic is one finding. Code is stable across versions and documented;
// Address is the object concerned or "".
type Diagnostic struct {
	Severity Severity
	Code     string
	Summary  string
	Detail   string
	Address  string
	Range    Range
	Snippet  *Snippet
}

// List collects findings of one pass; all of them are shown, not the first.
type List []Diagnostic

// HasErrors reports whether any finding stops the command.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sort orders findings by severity, place, address and code, so that two runs
// print the same bytes.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity),
			strings.Compare(a.Range.File, b.Range.File),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte),
			strings.Compare(a.Address, b.Address),
			strings.Compare(a.Code, b.Code),
			strings.Compare(a.Summary, b.Summary),
		)
	})
}
