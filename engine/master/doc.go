// Package master is the shell around the kernel: drain → Step → Ready → Commit →
// deliver → Advance, in one goroutine, for as long as the lease is held.
//
// It promises that nothing leaves before it is durable: orders, kills, acks and
// replies wait for the commit of the batch they follow from, and agents are
// spoken to only while the lease is trusted. A refused commit is understood
// (fenced, moved, unknown, poison) and answered by the one thing that is right
// for it; one bad event never stops the others. It holds no rule of the domain:
// what follows from an event is the kernel's, what a task looks like the
// generator's. It never blocks the loop on an agent, a caller or an expression.
package master
