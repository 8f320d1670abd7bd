package planner

import (
	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
)

// The codes of findings, as lang documents them: a code, once released, keeps its
// meaning.
const (
	CodeMove      = "move"         // moved and removed contradict the rest
	CodeProtected = "protected"    // what is protected would be destroyed
	CodeTarget    = "target"       // a pattern of -target or -exclude that means nothing
	CodePartial   = "partial_plan" // a warning: not all was looked at
)

func finding(severity diag.Severity, code string, at spec.Position, addr spec.Address, summary, detail string) diag.Diagnostic {
	d := diag.Diagnostic{Severity: severity, Code: code, Summary: summary, Detail: detail, Address: string(addr)}
	if at.File != "" {
		d.Range = diag.Range{File: at.File, Start: diag.Pos{Line: at.Line, Column: 1}, End: diag.Pos{Line: at.Line, Column: 1}}
	}
	return d
}
