package cron

import (
	"fmt"
	"strings"
)

// Error is a flaw in a cron expression: where it is and what to do.
type Error struct {
	Expr   string
	Offset int    // of the flaw, in bytes from the start of Expr
	Length int    // of the flaw, in bytes; 0 at the end of Expr
	Field  string // "minute", "day of week", …; empty when no single field is to blame
	Reason string
	Hint   string // what to write instead; may be empty
}

// Error says it all in one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cron %q: ", e.Expr)
	if e.Field != "" {
		fmt.Fprintf(&b, "%s: ", e.Field)
	}
	fmt.Fprintf(&b, "%s (at offset %d)", e.Reason, e.Offset)
	if e.Hint != "" {
		fmt.Fprintf(&b, "; %s", e.Hint)
	}
	return b.String()
}

// SpecError is a flaw in one attribute of a Spec. Err is an *Error when the
// attribute is a cron expression.
type SpecError struct {
	Attribute string // "cron", "every", "offset", "timezone", "start", "end", "include" or "exclude"
	Index     int    // position in a list, else 0
	Err       error
}

// Error names the attribute.
func (e *SpecError) Error() string { return e.Attribute + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SpecError) Unwrap() error { return e.Err }

// SpecErrors are all the flaws of one Spec, in the order of its fields.
type SpecErrors []*SpecError

// Error gives one line per flaw.
func (e SpecErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the flaws one by one.
func (e SpecErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}
