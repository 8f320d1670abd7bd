// Package expr parses, checks and evaluates run-time expressions.
//
// It runs in the master, on text that users wrote, so it is bounded by
// construction: source, nesting, steps, and the size of every intermediate value
// are limited, and each function of the allow-list computes the worst case of
// its result before it makes it. The bounds hold for any input; a recover is the
// last guard, not the plan. Equal input gives equal output: no function reads a
// clock, a file or chance.
//
// It must never know where a value is stored, never do I/O, and never keep
// anything between two calls.
package expr
