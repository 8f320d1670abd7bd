// Package eval is HCL and cty at config time: what a folder's variables, locals
// and for_each mean before anything runs, and which references an expression
// makes.
//
// It promises that evaluation is bounded (the Evaluator of lang/expr, with wider
// limits), that equal files and variables give equal values, and that a value
// that could not be computed is unknown, so that one mistake is reported once.
// It must never reach beyond the folder it was given, never read a clock, and
// never evaluate a run-time value: those it only finds.
package eval

import "github.com/leifengta/lft/lang/expr"

// Limits are the bounds of config-time evaluation. To the steps, which are those
// of a small folder, come StepsPerByte for each byte of source.
func Limits() expr.Limits { return expr.Limits{Steps: 500_000, Size: 4 << 20, Types: 20_000} }

// StepsPerByte is what source may cost more than a small folder does.
const StepsPerByte = 4

// Bounds of what is read and kept.
const (
	MaxForEach  = 10_000
	MaxRetained = 64 << 20 // of all variables and locals together
)
