package master

import (
	"context"
	"errors"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// Waits between two tries of what the database did not do.
const (
	againFirst = 10 * time.Millisecond
	againMost  = 500 * time.Millisecond
)

// flight is a batch on its way into the database.
type flight struct {
	ready   kernel.Ready
	serial  uint64
	outcome chan error
	cancel  context.CancelFunc
}

// push commits what has followed, unless a commit is under way or it pays to
// wait for more.
func (l *loop) push(ctx context.Context) error {
	if l.careful {
		return l.pushAll(ctx)
	}
	if l.flight != nil || !l.dirty {
		return nil
	}
	if wait := l.pace.linger(len(l.live), time.Now()); wait > 0 {
		l.linger.Reset(wait)
		return nil
	}
	_, err := l.launch(ctx)
	return err
}

// pushAll commits until nothing follows any more.
func (l *loop) pushAll(ctx context.Context) error {
	for {
		if err := l.landed(ctx); err != nil {
			return err
		}
		more, err := l.launch(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// launch sends the next batch off; it reports whether there was anything.
func (l *loop) launch(ctx context.Context) (bool, error) {
	var ready kernel.Ready
	var ok bool
	if err := l.guard("Ready", func() { ready, ok = l.st.Ready() }); err != nil {
		return false, err
	}
	l.dirty = false
	l.pace.taken()
	l.linger.Stop()
	if !ok {
		l.echo()
		return false, nil
	}
	l.note(&ready.Rows)
	l.serial++
	// A stop must not leave a commit in doubt, so it does not end with ctx.
	committing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{ready: ready, serial: l.serial, outcome: make(chan error, 1), cancel: cancel}
	l.flight = f
	if empty(&ready.Rows) {
		f.outcome <- nil
		return true, nil
	}
	go func() { f.outcome <- l.commit(committing, f.serial, &f.ready.Rows) }()
	return true, nil
}

// landing is where the commit under way reports, nil when there is none.
func (l *loop) landing() <-chan error {
	if l.flight == nil {
		return nil
	}
	return l.flight.outcome
}

// landed waits for the commit under way, if any, and acts on what became of it.
// When ctx ends first, it stays under way.
func (l *loop) landed(ctx context.Context) error {
	if l.flight == nil {
		return nil
	}
	select {
	case err := <-l.flight.outcome:
		return l.land(ctx, err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ground waits for the commit under way, if any, of a kernel that is given up. Rows
// read beside it need not hold what it writes, and it would write over what is
// decided after them. What it has made durable is delivered; what was refused is
// decided anew.
func (l *loop) ground(ctx context.Context) error {
	f := l.flight
	if f == nil {
		return nil
	}
	var err error
	select {
	case err = <-f.outcome:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	l.flight = nil
	f.cancel()
	switch {
	case err == nil:
		l.release(f)
	case errors.Is(err, lease.ErrMoved), errors.Is(err, lease.ErrPoison):
	default:
		return err
	}
	return nil
}

// release lets out what a commit decided that is durable. Only here anything leaves
// the process.
func (l *loop) release(f *flight) {
	l.deliver(&f.ready)
	l.looks.finished(f.ready.Rows.Finished)
}

// land acts on what became of a commit.
func (l *loop) land(ctx context.Context, err error) error {
	f := l.flight
	l.flight = nil
	f.cancel()
	switch {
	case err == nil:
		l.release(f)
		l.dirty = true // Ready bounds what it returns
		return l.guard("Advance", func() { l.st.Advance(f.ready.Serial) })
	case errors.Is(err, lease.ErrMoved):
		l.m.stats.moved.Add(1)
		l.log.Info("a project has a new revision; deciding again")
		return l.reload(ctx, false)
	case errors.Is(err, lease.ErrPoison):
		d := &defect{rows: &f.ready.Rows, err: err}
		if l.careful {
			d.sub = l.current
		}
		return d
	default:
		return err
	}
}

// commit writes rows once, whatever the connection does meanwhile. It runs
// beside the loop.
func (l *loop) commit(ctx context.Context, serial uint64, rows *record.Batch) error {
	began := time.Now()
	epoch := l.term.Epoch()
	for wait := againFirst; ; wait = min(2*wait, againMost) {
		err := l.cfg.Book.Commit(ctx, epoch, serial, rows)
		switch {
		case err == nil:
			l.m.stats.committed(rows, time.Since(began))
			return nil
		case errors.Is(err, lease.ErrFenced), errors.Is(err, lease.ErrMoved), errors.Is(err, lease.ErrPoison):
			return err
		case errors.Is(err, lease.ErrUnknown):
			l.m.stats.unknown.Add(1)
			present, err := l.inquire(ctx, epoch, serial)
			if present || err != nil {
				return err
			}
			epoch = l.term.Epoch()
			continue
		}
		if wait == againFirst {
			l.log.Warn("commit failed, trying again", "error", err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// inquire takes a new epoch, after which the doubtful transaction is over, and
// asks whether it was committed.
func (l *loop) inquire(ctx context.Context, epoch int64, serial uint64) (present bool, err error) {
	l.log.Warn("the answer to a commit was lost; asking the database", "epoch", epoch, "serial", serial)
	err = l.insist(ctx, func() error { return l.term.Rebump(ctx, epoch) })
	if err != nil {
		return false, err
	}
	err = l.insist(ctx, func() error {
		last, err := l.cfg.Book.LastBatch(ctx, epoch)
		present = last == serial
		return err
	})
	return present, err
}

// insist repeats a call until it succeeds, the lease is lost, or ctx ends.
func (l *loop) insist(ctx context.Context, call func() error) error {
	for wait := againFirst; ; wait = min(2*wait, againMost) {
		err := call()
		if err == nil || errors.Is(err, lease.ErrFenced) {
			return err
		}
		if wait == againFirst {
			l.log.Warn("the database did not answer, trying again", "error", err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func empty(b *record.Batch) bool {
	return rowCount(b) == 0 && len(b.Finished) == 0
}

func rowCount(b *record.Batch) int {
	return len(b.Executions) + len(b.Jobs) + len(b.Attempts) + len(b.Fires) + len(b.Ranges) +
		len(b.Cursors) + len(b.Adopted) + len(b.Agents) + len(b.Chunks) + len(b.LogEnds) +
		len(b.DeadLetters) + len(b.Audits) + len(b.Overrides) + len(b.OverridesGone)
}

// deliver releases what was waiting for the batch to be durable.
func (l *loop) deliver(ready *kernel.Ready) {
	for i := range ready.Orders {
		l.sessions.order(&ready.Orders[i])
	}
	for i := range ready.Kills {
		l.sessions.kill(&ready.Kills[i])
	}
	for i := range ready.Acks {
		l.sessions.ack(&ready.Acks[i])
	}
	l.echo()
	l.reply(ready.Replies)
}

// echo tells agents that their reports have been taken in.
func (l *loop) echo() {
	for i, sub := range l.echoes {
		sub.session.answered(sub.echo)
		l.echoes[i] = nil
	}
	l.echoes = l.echoes[:0]
}

func (l *loop) reply(replies []kernel.Reply) {
	for _, r := range replies {
		sub := l.waiting[r.ID]
		if sub == nil {
			continue
		}
		delete(l.waiting, r.ID)
		if sub.agent != "" && r.Err == nil {
			l.sessions.registered(sub.agent, r.Session)
		}
		sub.answer(r)
	}
}
