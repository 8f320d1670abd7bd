// Package sim is a seeded world in one goroutine: masters, agents, a database, a
// network, people, and everything that goes wrong between them.
//
// The kernel and the agents' brains are the real ones; the shells around them,
// the store with its fence, keepers and processes are models that keep to the
// contracts of the real ones and break where those may break: crashes between
// decide, commit and deliver, unknown commits, frozen masters, lost and doubled
// messages, deaths of agents, keepers and hosts, restored databases, jumping
// clocks, poisoned rows, applies and operators in the middle of it all. From one
// seed follows one history, on every machine.
//
// It promises that a run without a planted Fault violates nothing: two masters
// never both write (P1), a token forks once and attempts of one job never
// overlap (P2), every instant is decided once (P3), an execution keeps its
// revision (P5), what is terminal is dead (P7), one poisoned execution stops no
// other (P9), an execution and the attempt that started it begin and end together,
// overrides hold as long as they must and no longer, the bytes of what is deployed
// or runs are there, and all ends when everything is left alone. A Fault is a bug in
// a shell or in the store, planted on purpose: a checker that never failed proves
// nothing.
package sim
