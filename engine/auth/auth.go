// Package auth says who asks, and what they may do.
//
// Every RPC has a policy row (policy.go) that names the one right it needs; an
// RPC without a row is refused, so a new one cannot be forgotten open. The only
// principal for now is the local user: whoever reaches lft by loopback, by its
// unix socket or inside the process. The package promises to decide on parsed
// values alone (a procedure, an address), never on prefixes of strings. It never
// does I/O and keeps no sessions.
package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Right is what a principal may do.
type Right string

// The rights. One does not imply another.
const (
	Read    Right = "read"    // see definitions, executions, logs and agents
	Deploy  Right = "deploy"  // change definitions
	Operate Right = "operate" // start and cancel executions, give orders about agents
	Serve   Right = "serve"   // be an agent
)

// Principal is who asks.
type Principal struct {
	Name   string
	Rights []Right
}

// ErrDenied is behind every refusal of this package.
var ErrDenied = errors.New("permission denied")

// maxName bounds a principal's name; it is a column of what is recorded.
const maxName = 64

// Local is the person or program on this host that goes by the given name, and
// may do all. An empty or unprintable name becomes "local": the name is for the
// record, nothing is decided by it.
func Local(name string) Principal {
	strange := strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
	if name == "" || len(name) > maxName || strange {
		name = "local"
	}
	return Principal{Name: name, Rights: []Right{Read, Deploy, Operate, Serve}}
}

// Peer tells who is behind a connection. Addresses that are no IP address and
// port are those of unix sockets and of pipes inside the process.
func Peer(address, name string) (Principal, error) {
	remote, err := netip.ParseAddrPort(address)
	if err == nil && !remote.Addr().Unmap().IsLoopback() {
		return Principal{}, fmt.Errorf("%w: only this host may ask, and %s is another; identities over the network are not supported",
			ErrDenied, remote.Addr())
	}
	return Local(name), nil
}

type key struct{}

// With returns a context that knows who asks.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, key{}, p)
}

// From returns who asks; nobody has no rights.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(key{}).(Principal)
	return p
}
