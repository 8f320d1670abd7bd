package lang

import "github.com/leifengta/lft/lang/internal/eval"

// The codes of findings. They are part of the contract with scripts: a code,
// once released, keeps its meaning. Explanations documents each.
const (
	CodeSyntax       = "syntax"             // not HCL
	CodeRead         = "read"               // a file cannot be read
	CodeEncoding     = "encoding"           // not UTF-8, or with invisible characters
	CodeLimit        = eval.CodeLimit       // larger or deeper than is allowed
	CodeUnknown      = "unknown_word"       // a block or attribute nobody knows
	CodeUnsupported  = "unsupported"        // one that this version does not know yet
	CodeMissing      = "missing"            // a required attribute, label or value
	CodeDuplicate    = "duplicate"          // declared twice
	CodeName         = "invalid_name"       // names have a form
	CodeCollision    = "name_collision"     // names that meet in the environment
	CodeValue        = "invalid_value"      // of the wrong type or out of range
	CodeExpression   = "invalid_expression" // cannot be evaluated
	CodeReference    = eval.CodeReference   // to nothing
	CodeUnguarded    = "unguarded_output"   // an output that may not exist
	CodeRunTime      = "run_time_value"     // where a value must be known now
	CodeSensitive    = "sensitive_value"    // where a value must be shown
	CodeCycle        = eval.CodeCycle       // things that need each other
	CodeVariable     = "variable"           // a value for a variable, from outside
	CodeValidation   = "validation"         // a variable's own rule does not hold
	CodePrecondition = "precondition"       // a precondition does not hold
	CodeCheck        = "check"              // a warning: a check does not hold
	CodeMove         = "move"               // moved and removed contradict the rest
	CodeDependency   = "dependency"         // files that cannot be handed to jobs
	CodeSource       = "module_source"      // a module cannot be read
	CodeVersion      = "required_version"   // this lft is not the one asked for
	CodeDisabled     = "disabled"           // a warning: an edge is dropped
	CodeProtected    = "protected"          // found by the planner: what is protected would go
	CodeTarget       = "target"             // found by the planner: a pattern that means nothing
	CodePartial      = "partial_plan"       // found by the planner, a warning: not all was looked at
	CodeInternal     = "internal"           // a defect of lft
)
