package keeper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// ErrGone says that there is no connection to the keeper any more. Whether it
// obeyed what was sent last is known after the next Dial.
var ErrGone = errors.New("connection to the keeper is gone")

// ErrFreed says that log bytes are no longer in the spool.
var ErrFreed = errors.New("log bytes were freed")

// Client speaks with one keeper. Its methods may be called from several
// goroutines; they queue and do not wait for the keeper, Tail excepted.
type Client struct {
	conn   net.Conn
	hello  Hello
	stale  error
	events chan Event
	kick   chan struct{} // something waits in next
	closed chan struct{} // nothing can be sent any more
	left   chan struct{} // nobody receives any more
	leave  sync.Once

	mu    sync.Mutex
	next  order // not yet written
	waits bool
	tails map[int64]chan<- tailData
	seq   int64
	err   error // why the connection is gone
}

// newClient reads the keeper's hello and serves the connection from then on.
func newClient(conn net.Conn) (*Client, error) {
	r := bufio.NewReaderSize(conn, 64<<10)
	var first news
	if err := readFrame(r, &first); err != nil {
		return nil, fmt.Errorf("read the keeper's hello: %w", err)
	}
	if first.Hello == nil {
		return nil, errors.New("the keeper's first message is no hello")
	}
	c := &Client{
		conn: conn, hello: *first.Hello,
		events: make(chan Event, 256), kick: make(chan struct{}, 1), closed: make(chan struct{}), left: make(chan struct{}),
		tails: map[int64]chan<- tailData{},
	}
	go c.write()
	go c.read(r)
	return c, nil
}

// Hello is what the keeper said when the connection was made: every token it
// knows. Events tell what happened since.
func (c *Client) Hello() Hello { return c.hello }

// Stale says why the keeper is of another build than its Spawn; nil = it is not.
// It is as good a keeper as any.
func (c *Client) Stale() error { return c.stale }

// Events delivers in order. The last event is Gone, then the channel is closed.
// A receiver that stops receiving stops the client, not the keeper.
func (c *Client) Events() <-chan Event { return c.events }

// Start asks for processes.
func (c *Client) Start(starts ...Start) error {
	return c.send(func(o *order) { o.Starts = append(o.Starts, starts...) })
}

// Kill ends an attempt: TERM, its kill grace, KILL. An unknown or ended token
// is ignored.
func (c *Client) Kill(token, why string) error {
	return c.send(func(o *order) { o.Kills = append(o.Kills, killOrder{token, why}) })
}

// Forget drops the exit records of ended attempts. Their spool files stay until
// they are freed.
func (c *Client) Forget(tokens ...string) error {
	return c.send(func(o *order) { o.Forgets = append(o.Forgets, tokens...) })
}

// Free gives spool bytes before to back to the disk. A spool file goes when it
// is freed up to its end and its attempt has ended.
func (c *Client) Free(token string, to int64) error {
	return c.send(func(o *order) { o.Frees = append(o.Frees, freeOrder{token, to}) })
}

// Beat tells that a master's (epoch, beat) was answered to a message that was
// sent at sentAt. When the pair advanced, isolation counts from there.
func (c *Client) Beat(epoch, beat, sentAt int64) error {
	next := beatOrder{epoch, beat, sentAt}
	return c.send(func(o *order) {
		if o.Beat == nil || next.after(*o.Beat) {
			o.Beat = &next
		}
	})
}

// Stop kills every attempt and ends the keeper once nothing of them runs. Exit
// records that were not forgotten by then are delivered as events first.
func (c *Client) Stop() error {
	return c.send(func(o *order) { o.Stop = true })
}

// Tail reads at most max bytes of an attempt's spool. eof says that nothing
// follows. Bytes that were freed are ErrFreed.
func (c *Client) Tail(ctx context.Context, token string, from int64, max int) (data []byte, eof bool, err error) {
	reply := make(chan tailData, 1)
	c.mu.Lock()
	c.seq++
	id := c.seq
	c.tails[id] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.tails, id)
		c.mu.Unlock()
	}()
	if err := c.send(func(o *order) { o.Tails = append(o.Tails, tailOrder{id, token, from, max}) }); err != nil {
		return nil, false, err
	}
	select {
	case r := <-reply:
		switch r.Error {
		case "":
			return r.Data, r.EOF, nil
		case ErrFreed.Error():
			return nil, false, ErrFreed
		default:
			return nil, false, fmt.Errorf("keeper: %s", r.Error)
		}
	case <-c.closed:
		return nil, false, ErrGone
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// Close ends the connection; the keeper and its jobs go on. Events that were not
// received are dropped.
func (c *Client) Close() error {
	c.fail(net.ErrClosed)
	c.leave.Do(func() { close(c.left) })
	return c.conn.Close()
}

// send adds to the batch that goes out next.
func (c *Client) send(add func(*order)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return fmt.Errorf("%w: %w", ErrGone, c.err)
	}
	add(&c.next)
	c.waits = true
	select {
	case c.kick <- struct{}{}:
	default:
	}
	return nil
}

// startsPerFrame keeps frames far below maxFrame: a task has at most half a
// megabyte.
const startsPerFrame = 32

func (c *Client) write() {
	for {
		select {
		case <-c.kick:
		case <-c.closed:
			return
		}
		c.mu.Lock()
		batch, waits := c.next, c.waits
		c.next, c.waits = order{}, false
		c.mu.Unlock()
		if !waits {
			continue
		}
		if err := writeOrder(c.conn, batch); err != nil {
			// What the keeper had to say is still read, to its end.
			c.fail(err)
			if u, ok := c.conn.(*net.UnixConn); ok {
				_ = u.CloseWrite()
			}
			return
		}
	}
}

func writeOrder(w io.Writer, o order) error {
	starts := o.Starts
	for len(starts) > startsPerFrame {
		if err := writeFrame(w, order{Starts: starts[:startsPerFrame]}); err != nil {
			return err
		}
		starts = starts[startsPerFrame:]
	}
	o.Starts = starts
	return writeFrame(w, o)
}

// read delivers until the connection ends.
func (c *Client) read(r *bufio.Reader) {
	defer close(c.events)
	defer c.conn.Close()
	for {
		var n news
		if err := readFrame(r, &n); err != nil {
			c.fail(err)
			c.emit(Gone{err})
			return
		}
		if !c.deliver(n) {
			return
		}
	}
}

// emit reports whether somebody still receives.
func (c *Client) emit(e Event) bool {
	select {
	case c.events <- e:
		return true
	case <-c.left:
		return false
	}
}

func (c *Client) deliver(n news) bool {
	for _, t := range n.Tails {
		c.mu.Lock()
		if reply := c.tails[t.ID]; reply != nil {
			reply <- t // has room for the one reply
			delete(c.tails, t.ID)
		}
		c.mu.Unlock()
	}
	for _, e := range n.Started {
		if !c.emit(e) {
			return false
		}
	}
	for _, e := range n.Grown {
		if !c.emit(e) {
			return false
		}
	}
	for _, e := range n.Ended {
		if !c.emit(e) {
			return false
		}
	}
	if n.Refused != "" {
		return c.emit(refused{n.Refused})
	}
	return true
}

// fail ends sending; it reports whether this call did.
func (c *Client) fail(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.err = err
	close(c.closed)
	return true
}
