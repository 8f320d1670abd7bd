package keeper

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"time"

	"golang.org/x/sys/unix"
)

// lazily is how long news that nobody acts on waits for company. A short job's
// start and end then wake the agent once.
const lazily = 3 * time.Millisecond

// link is the connection to the one client.
type link struct {
	conn   *net.UnixConn
	gone   chan struct{} // the reader has ended: nothing more is obeyed
	lazy   chan struct{} // room for one: there is news
	urgent chan struct{} // room for one: there is news that somebody waits for
	last   chan struct{} // closed: write what there is and end
	ended  chan struct{} // the writer has ended

	next  news // guarded by keeper.mu
	empty bool // next holds nothing; guarded by keeper.mu
}

// accept serves one client after the other. A new one takes over: what the old
// one sent and was not yet read is never obeyed, so that what the new one is
// told at first is the whole truth.
func (k *keeper) accept() {
	for {
		conn, err := k.listener.AcceptUnix()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				k.logger.Error("accept", "error", err)
			}
			return
		}
		if err := checkPeer(conn); err != nil {
			k.logger.Warn("connection refused", "error", err)
			_ = conn.Close()
			continue
		}
		k.mu.Lock()
		old := k.link
		k.mu.Unlock()
		if old != nil {
			_ = old.conn.Close()
			<-old.gone
		}
		k.serve(conn)
	}
}

func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return fmt.Errorf("ask who connects: %w", err)
	}
	if int(cred.Uid) != os.Getuid() {
		return fmt.Errorf("uid %d is not the keeper's", cred.Uid)
	}
	return nil
}

func (k *keeper) serve(conn *net.UnixConn) {
	l := &link{
		conn: conn, gone: make(chan struct{}), empty: true,
		lazy: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		last: make(chan struct{}), ended: make(chan struct{}),
	}
	k.mu.Lock()
	hello := k.hello()
	k.link = l
	k.mu.Unlock()
	go k.write(l, hello)
	go k.read(l)
}

// hello says all that is known; the caller holds mu.
func (k *keeper) hello() Hello {
	h := Hello{Keeper: k.id, PID: os.Getpid(), Build: k.build, Isolation: k.isolation()}
	for token, a := range k.attempts {
		known := Attempt{Token: token, Started: a.started, Ended: a.ended}
		if s := k.logs[token]; s != nil {
			known.Log, known.Freed = s.bytes.Load(), s.freed.Load()
		}
		h.Attempts = append(h.Attempts, known)
	}
	return h
}

// tell adds to what the client is told next; the caller holds mu. Without a
// client it does nothing: the next one is told everything at first.
func (k *keeper) tell(add func(*news), urgent bool) {
	l := k.link
	if l == nil {
		return
	}
	add(&l.next)
	l.empty = false
	signal := l.lazy
	if urgent {
		signal = l.urgent
	}
	select {
	case signal <- struct{}{}:
	default:
	}
}

func (k *keeper) read(l *link) {
	defer close(l.gone)
	defer func() {
		_ = l.conn.Close()
		k.mu.Lock()
		if k.link == l {
			k.link = nil
		}
		k.mu.Unlock()
	}()
	r := bufio.NewReaderSize(l.conn, 64<<10)
	for {
		var o order
		if err := readFrame(r, &o); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, unix.ECONNRESET) {
				k.logger.Warn("client", "error", err)
			}
			return
		}
		k.gate.enter()
		k.obey(o)
		k.gate.leave()
		if o.Upgrade != nil {
			k.upgrade(*o.Upgrade)
		}
	}
}

func (k *keeper) write(l *link, hello Hello) {
	defer close(l.ended)
	defer func() { _ = l.conn.Close() }()
	if err := writeFrame(l.conn, news{Hello: &hello}); err != nil {
		return
	}
	for {
		final := false
		select {
		case <-l.gone:
			return
		case <-l.last:
			final = true
		case <-l.urgent:
		case <-l.lazy:
			select {
			case <-l.urgent:
			case <-l.last:
				final = true
			case <-time.After(lazily):
			}
		}
		k.mu.Lock()
		batch, empty := l.next, l.empty
		l.next, l.empty = news{}, true
		k.mu.Unlock()
		if !empty {
			if err := writeFrame(l.conn, batch); err != nil {
				return
			}
		}
		if final {
			return
		}
	}
}

// finish writes what there is to tell and ends the connection.
func (l *link) finish(within time.Duration) {
	_ = l.conn.SetWriteDeadline(time.Now().Add(within))
	close(l.last)
	<-l.ended
}

// obey does what a client asks, but an upgrade. Kills come first: starts take their time.
func (k *keeper) obey(o order) {
	if o.Beat != nil {
		k.advance(*o.Beat)
	}
	for _, kill := range o.Kills {
		k.kill(kill)
	}
	for _, s := range o.Starts {
		k.begin(s)
	}
	for _, token := range o.Forgets {
		k.forget(token)
	}
	for _, f := range o.Frees {
		k.free(f)
	}
	for _, t := range o.Tails {
		k.tail(t)
	}
	if o.Stop {
		select {
		case k.stop <- struct{}{}:
		default:
		}
	}
}

func (k *keeper) advance(b beatOrder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if b.after(k.beat) {
		b.SentAt = max(b.SentAt, k.beat.SentAt)
		k.beat = b
	}
}

// A token is also the name of a file.
var tokenShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (k *keeper) begin(s Start) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a := k.attempts[s.Token]; a != nil {
		k.repeat(a)
		return
	}
	a := newAttempt(s)
	k.attempts[s.Token] = a
	if k.stopping {
		a.want(keeperStopped)
	}
	k.living.Add(1)
	go k.live(a)
}

// repeat tells again what is known of an attempt; the caller holds mu.
func (k *keeper) repeat(a *attempt) {
	k.tell(func(n *news) {
		if a.started != nil {
			n.Started = append(n.Started, *a.started)
		}
		if a.ended != nil {
			n.Ended = append(n.Ended, *a.ended)
		}
	}, true)
}

func (k *keeper) kill(o killOrder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a := k.attempts[o.Token]; a != nil && a.ended == nil {
		a.want(wish{CauseCancelled, o.Why})
	}
}

func (k *keeper) forget(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a := k.attempts[token]; a != nil && a.ended != nil {
		delete(k.attempts, token)
	}
}
