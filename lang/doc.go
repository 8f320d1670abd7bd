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
// the folder it was given and what Options.Open opens, never use the network, and
// never let one mistake hide another: a value with a fault is unknown from there
// on, and silent.
//
// # How a project is read
//
//   - open: a folder (folder.go) is the source of the project, or of a module,
//     parsed once; a call (modules.go) is a module block where it is met on the way
//     down from the project's folder.
//   - values (values.go): variables, local values, outputs and the for_each of
//     module blocks are computed in one order that follows from what they mention.
//     On the way each call gets its instances: a module is a scope with an address.
//   - decode (objects.go): what the folders declare becomes objects, once for each
//     module. Kinds that flows may name come first, then the flows on two
//     goroutines (stream.go), then the kinds that name flows.
//
// With Options.Cache a file that holds flows only is not parsed when what it meant
// before still holds (cache.go); flows then come in canonical form.
//
// # How a kind of block plugs in
//
// Its words go into lang/schema, and a decoder into beforeFlows or afterFlows of
// objects.go. decode is called for each declaration in each module, with the
// worker in the scope of that module (worker.module, worker.each); the words of
// the block were checked. A kind with for_each and enabled calls decodeEach, which
// gives a reader with the address of each instance and notes where it was
// declared. Expressions that name another object are read by worker.object, jobs
// by worker.jobTarget; values by the reader, or by worker.value. Addresses in
// messages are full: worker.addressOf.
//
// Nested blocks are taken by worker.blocks, or by worker.only where there can be
// one, never from the tree: these also make what dynamic blocks ask for. Each node
// is decoded within its scope: defer w.within(n.each)(). Expressions are searched
// by worker.find, which knows the iterators.
package lang
