// Package lease is the right to act as master: becoming it, staying it, and
// knowing in time that it is gone.
//
// The right is a number, the epoch, in a row of the database. Every write of a
// master begins with a locking read of it, so a deposed master cannot commit.
// Expiry is judged by watching the holder's beat with one's own boot-time clock,
// never by comparing clocks. The package promises to trust its own lease less
// than the database does (Trust). It never writes anything but the two rows that
// make up the lease.
package lease

import "errors"

// What can become of a fenced commit. Every store reports in these words;
// anything else is a failure of the connection before COMMIT was sent, which
// may be tried again.
var (
	// ErrFenced: another master acts. Nothing was written.
	ErrFenced = errors.New("another master holds the lease")
	// ErrMoved: a project head the batch relied on has changed. Nothing was
	// written; reload and decide again.
	ErrMoved = errors.New("a project revision the batch relies on has moved")
	// ErrUnknown: COMMIT was sent and its answer lost. Take a new epoch, which
	// waits for the doubtful transaction, then read the batch row.
	ErrUnknown = errors.New("the outcome of the commit is unknown")
	// ErrPoison: the database refuses the rows themselves. Nothing was written
	// and repeating cannot help.
	ErrPoison = errors.New("the database refuses the rows")
)

// errJumped ends a term whose clock is wrong: the next one begins with the
// database's time as it is.
var errJumped = errors.New("the database's clock has jumped, and this machine's agrees with it")
