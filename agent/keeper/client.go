package keeper

import (
	"context"
	"errors"
)

// Spawn says how a keeper is started when none answers.
type Spawn struct {
	Argv []string // e.g. the lft executable, "keeper"; "-dir DIR" is added
	Env  []string // its environment; jobs inherit none of it
}

// Client speaks with one keeper. Its methods may be called from several
// goroutines; they queue and do not wait for the keeper.
type Client struct{ hello Hello }

var errUnfinished = errors.New("keeper: not there yet")

// Dial connects to the keeper of dir, and starts one in a session of its own
// when none answers. Connecting ends the connection of any other client.
func Dial(ctx context.Context, dir string, spawn Spawn) (*Client, error) { return nil, errUnfinished }

// Hello is what the keeper said when the connection was made: every token it
// knows. Events tell what happened since.
func (c *Client) Hello() Hello { return c.hello }

// Start asks for processes.
func (c *Client) Start(starts ...Start) error { return errUnfinished }

// Kill ends an attempt: TERM, its kill grace, KILL. An unknown or ended token
// is ignored.
func (c *Client) Kill(token, why string) error { return errUnfinished }

// Forget drops the exit records of ended attempts. Their spool files stay until
// they are freed.
func (c *Client) Forget(tokens ...string) error { return errUnfinished }

// Free gives spool bytes before to back to the disk. A spool file goes when it
// is freed up to its end and its attempt has ended.
func (c *Client) Free(token string, to int64) error { return errUnfinished }

// Beat tells that a master's (epoch, beat) was answered to a message that was
// sent at sentAt. When the pair advanced, isolation counts from there.
func (c *Client) Beat(epoch, beat, sentAt int64) error { return errUnfinished }

// Tail reads at most max bytes of an attempt's spool. eof says that nothing
// follows.
func (c *Client) Tail(ctx context.Context, token string, from int64, max int) (data []byte, eof bool, err error) {
	return nil, false, errUnfinished
}

// Stop kills every attempt and ends the keeper once nothing of them runs. Exit
// records that were not forgotten by then are delivered as events first.
func (c *Client) Stop() error { return errUnfinished }

// Events delivers in order. The last event is Gone, then the channel is closed.
func (c *Client) Events() <-chan Event { return nil }

// Close ends the connection; the keeper and its jobs go on.
func (c *Client) Close() error { return errUnfinished }
