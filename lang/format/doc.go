// Package format looks at source text as text: how deep it nests, and how it is
// laid out.
//
// HCL's parser and everything that walks its trees recurse, and a Go stack that
// is used up ends the process. So nesting is counted on tokens, which HCL scans
// without recursion, before anything is parsed. Two things make depth: levels of
// brackets, quotes and interpolations, and chains inside one level, such as
// !!!!x, a ? b : c ? d : e, a[0][1][2] or %{ if } in %{ if }.
//
// Source is what lft fmt does: it changes spaces only, never a token, and doing
// it twice is doing it once. Expression gives run-time expressions the one form
// that digests are made of.
//
// The package must never evaluate, and never look at what a word means.
package format
