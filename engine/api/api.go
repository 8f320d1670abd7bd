// Package api is what a client of lft needs to know beside the messages and
// services of lft/v1: the headers that travel with them.
//
// Anyone may import it. It only grows, as lft.v1 does.
package api

const (
	// LeaderHeader is on every answer that says "not leader" (code unavailable):
	// the address of the master that acts, empty when nobody is known to act. A
	// client asks again there. It is in the trailer of a stream.
	LeaderHeader = "Lft-Leader"
	// ByHeader is the name a client on this host goes by, for the record.
	ByHeader = "Lft-By"
)
