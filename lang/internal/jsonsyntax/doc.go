// Package jsonsyntax reads the JSON form of the language into the trees of HCL's
// native syntax, so that there is one decoder and one evaluator behind both.
//
// The form is Terraform's: a block is a member named by its kind, with an object
// for each label; several blocks of one kind are an array; members named // are
// comments. Which members are blocks follows from lang/schema. Strings are
// templates; where a reference or a type is asked for, a string holds it.
//
// It promises that each tree has the places of the JSON it came from, and that
// the text of every expression is also there in native syntax (Native), at the
// same offsets. What JSON forbids is refused: doubled members, comments, trailing
// commas, numbers and escapes that are none, halves of characters. It must never
// evaluate, and never guess which of two members was meant.
package jsonsyntax
