package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// Clock is a clock that never jumps and goes on while the machine sleeps. What
// it counts from does not matter.
type Clock func() time.Duration

// Runner stands for the seat, holds it, and stands by.
type Runner struct {
	Office Office
	Me     Holder
	Clock  Clock // BootTime outside of tests
	Log    *slog.Logger

	leader atomic.Pointer[Seat]
}

// Leader is the seat as this process last saw it, and whether it is its own.
// Before the first look it is the zero Seat.
func (r *Runner) Leader() (seat Seat, self bool) {
	s := r.leader.Load()
	if s == nil {
		return Seat{}, false
	}
	return *s, s.Holder.ID == r.Me.ID
}

// Run stands by until the seat is free, takes it and calls act, whose context
// ends as soon as the lease is known to be lost. When act fails, Run resigns and
// stands by again; when act returns nil, or ctx ends, Run resigns and returns
// nil.
func (r *Runner) Run(ctx context.Context, act func(ctx context.Context, t *Term) error) error {
	for {
		term := r.stand(ctx)
		if term == nil {
			return nil
		}
		r.Log.Info("this server is the acting master", "epoch", term.Epoch())
		err := r.hold(ctx, term, act)
		if err == nil || ended(ctx) {
			return nil
		}
		if errors.Is(err, ErrFenced) {
			r.Log.Warn("another server is the acting master now", "epoch", term.Epoch())
			continue
		}
		r.Log.Error("gave the lease up", "epoch", term.Epoch(), "error", err)
		// Another one may do better; trying again at once would not let it.
		pause(ctx, BeatEvery)
	}
}

// stand watches until the seat is taken, or returns nil when ctx ends.
func (r *Runner) stand(ctx context.Context) *Term {
	var w watch
	var troubled bool
	for ctx.Err() == nil {
		term, err := r.try(ctx, &w)
		if term != nil {
			return term
		}
		if err != nil && ctx.Err() == nil && !troubled {
			r.Log.Warn("cannot watch the lease", "error", err)
		}
		troubled = err != nil
		pause(ctx, LookEvery)
	}
	return nil
}

func (r *Runner) try(ctx context.Context, w *watch) (*Term, error) {
	looking, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	began := r.Clock()
	seat, err := r.Office.Look(looking)
	if err != nil {
		w.miss()
		return nil, err
	}
	r.leader.Store(&seat)
	if !w.look(seat, r.Me.ID, began, r.Clock()) {
		return nil, nil
	}
	taking, cancel := context.WithTimeout(ctx, takeWithin)
	defer cancel()
	began = r.Clock()
	taken, err := r.Office.Take(taking, seat, r.Me, 0)
	if errors.Is(err, ErrFenced) {
		return nil, nil // somebody was faster
	}
	if err != nil {
		return nil, fmt.Errorf("take over: %w", err)
	}
	r.leader.Store(&taken) // never written again: others read it
	return newTerm(r.Office, r.Me, r.Clock, taken, began, r.Clock()), nil
}

// hold runs act while beating, and resigns after it.
func (r *Runner) hold(ctx context.Context, t *Term, act func(context.Context, *Term) error) error {
	acting, cancel := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		r.beat(acting, t, cancel)
	}()
	err := act(acting, t)
	fenced := errors.Is(context.Cause(acting), ErrFenced) || errors.Is(err, ErrFenced)
	cancel(nil)
	<-beating
	if fenced {
		return ErrFenced
	}
	r.resign(ctx, t)
	return err
}

// beat renews until ctx ends or the lease is lost. A renewal that failed is
// repeated soon: the database may be back before the trust is used up.
func (r *Runner) beat(ctx context.Context, t *Term, lost context.CancelCauseFunc) {
	var troubled, jumped bool
	for wait := BeatEvery; pause(ctx, wait); {
		err := t.tick(ctx)
		switch {
		case err == nil:
			wait = BeatEvery
			seat := Seat{Epoch: t.Epoch(), Beat: t.Beat(), Holder: r.Me, Since: t.Start(), Now: t.Now()}
			r.leader.Store(&seat)
			if t.settled(time.Now()) {
				lost(errJumped)
				return
			}
			jumped = r.alarm(t.Jump(), jumped)
		case errors.Is(err, ErrFenced):
			lost(ErrFenced)
			return
		case ctx.Err() == nil:
			wait = LookEvery
			if !troubled {
				r.Log.Warn("cannot renew the lease", "epoch", t.Epoch(), "error", err)
			}
		}
		troubled = err != nil
	}
}

// alarm says, once each, that the database's clock has jumped and that it is back.
func (r *Runner) alarm(jump time.Duration, told bool) bool {
	switch {
	case jump != 0 && !told:
		r.Log.Error("the database's clock has jumped, and this machine's does not agree: schedules and retries stand still until "+
			"one of them is set right, or this server is started again", "jump", jump)
	case jump == 0 && told:
		r.Log.Warn("the database's clock is back; schedules and retries go on")
	}
	return jump != 0
}

// resign outlives ctx: giving up at once is what a clean stop is for.
func (r *Runner) resign(ctx context.Context, t *Term) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatWithin)
	defer cancel()
	if err := r.Office.Resign(ctx, t.Epoch()); err != nil {
		r.Log.Warn("cannot resign; others will wait for the lease to expire", "epoch", t.Epoch(), "error", err)
		return
	}
	r.Log.Info("resigned", "epoch", t.Epoch())
}

func ended(ctx context.Context) bool { return ctx.Err() != nil }

// pause waits and says whether ctx lives on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
