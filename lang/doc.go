// Package lang reads a folder of HCL and says what it means: a spec.Bundle, or
// everything that is wrong with it, each finding with its place.
//
// Load is a function of its arguments: files, variables, environment and the
// schemas of the job types. Equal arguments give equal bytes. Structure is
// decoded by walking HCL's syntax trees against the vocabulary of lang/schema;
// values known now are folded, values that mention run.*, param.* or job.* are
// checked and kept as source for lang/expr.
//
// It must never guess: what is not understood is refused. It must never leave
// the folder it was given, never use the network, and never let one mistake hide
// another: a value with a fault is unknown from there on, and silent.
package lang
