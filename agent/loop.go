package agent

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/agent/journal"
	"github.com/leifengta/lft/agent/launch"
)

// The journal is written anew when it has grown to this, unless that would not
// make it much smaller.
const (
	compactAt    = 8 << 20
	compactRatio = 4
)

func now() brain.Time { return brain.Time(launch.BootTime()) }

// run owns the brain until ctx ends and the agent has taken its leave.
func (a *agent) run(ctx context.Context) error {
	// What the agent started for its work ends after its last message, not with
	// ctx: taking leave needs the session.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var tasks errgroup.Group
	tasks.Go(func() error { return a.shipper.Run(work) })
	a.shipLeftovers(work)

	err := a.loop(ctx, work)
	a.partKeeper()
	stop()
	a.link.close()
	if shipErr := tasks.Wait(); !errors.Is(shipErr, context.Canceled) {
		err = errors.Join(err, shipErr)
	}
	return err
}

// post hands an event to the brain.
func (a *agent) post(ev brain.Event) {
	a.inbox.post(func() { a.brain.Step(now(), ev) })
}

// loop takes what others post, lets the brain decide, and carries it out.
func (a *agent) loop(ctx, work context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	leaving := ctx.Done()
	var leave leave
	compacted := a.journal.Size()
	for {
		a.settle(work)
		if size := a.journal.Size(); size > max(compactAt, compactRatio*compacted) {
			if err := a.journal.Rewrite(a.brain.Records()); err != nil {
				a.breakJournal(err)
			}
			compacted = a.journal.Size()
		}
		if leave.done(a) {
			return nil
		}
		timer.Reset(a.nap(leave))
		select {
		case <-a.inbox.wake:
			for _, do := range a.inbox.take() {
				do()
			}
		case <-timer.C:
			a.brain.Step(now(), brain.Tick{})
		case <-leaving:
			leaving = nil
			leave = newLeave(a.c.StopKeeper)
			a.brain.Step(now(), brain.Drain{})
		}
	}
}

// nap is how long nothing needs to be done if nothing happens.
func (a *agent) nap(l leave) time.Duration {
	d := time.Hour
	if wake := a.brain.NextWake(); wake > 0 {
		d = time.Duration(max(wake-now(), 0)) * time.Microsecond
	}
	if l.begun() {
		d = min(d, max(time.Until(l.until), 0))
	}
	return d
}

// settle carries out all that follows from what was stepped.
func (a *agent) settle(ctx context.Context) {
	for {
		r, ok := a.brain.Ready()
		if !ok {
			return
		}
		a.perform(ctx, r)
	}
}

// perform does what the brain says, records first.
func (a *agent) perform(ctx context.Context, r brain.Ready) {
	if len(r.Records) > 0 {
		switch err := a.journal.Append(r.Records, r.Sync); {
		case err != nil:
			// The keeper must go on knowing what the journal may have lost.
			r.Forgets = nil
			a.breakJournal(err)
		case r.Sync:
			a.brain.Step(now(), brain.Durable{Serial: r.Serial})
		}
	}
	for _, f := range r.Fetch {
		go a.fetch(ctx, f)
	}
	a.command(r)
	for _, token := range r.Ended {
		a.deps.Release(token)
	}
	for _, f := range r.Freed {
		a.shipper.Acked(f.Token, f.To)
	}
	if len(r.Sweep) > 0 {
		a.sweep(ctx, r.Sweep)
	}
	if r.Dial {
		a.dialing = true
		go a.dialKeeper(ctx)
	}
	if r.Register {
		a.register(ctx)
	}
	if r.Hangup != 0 {
		a.log.Warn("leaving the master", "session", r.Hangup, "why", r.Why)
		a.link.hangup(r.Hangup)
	}
	if r.Up != nil {
		a.link.send(ctx, r.Up)
	}
}

// breakJournal stops intake for good; what runs is seen to its end.
func (a *agent) breakJournal(err error) {
	if errors.Is(err, journal.ErrBroken) {
		return // known
	}
	a.log.Error("the journal cannot be written; no more work is taken until the agent is started again", "error", err)
	a.brain.Step(now(), brain.Broken{})
}

// register asks a master for a session. What the journal counts must be on disk
// before a master hears of it, or a crash would make it count backwards.
func (a *agent) register(ctx context.Context) {
	if err := a.journal.Sync(); err != nil {
		a.log.Warn("registering with a journal that cannot be synced", "error", err)
	}
	isolation := ""
	if a.keeper != nil {
		isolation = a.keeper.Hello().Isolation
	}
	go a.link.register(ctx, registerRequest(a, a.journal.Seq(), a.brain.Epoch(), isolation))
}

// leave is the way out once the agent was told to stop.
type leave struct {
	until   time.Time
	drained time.Time // give up waiting for the master to notice
	settle  bool      // wait for results and logs
}

func newLeave(settle bool) leave {
	start := time.Now()
	l := leave{drained: start.Add(drainWait), until: start.Add(drainWait), settle: settle}
	if settle {
		l.until = start.Add(settleWait)
	}
	return l
}

func (l leave) begun() bool { return !l.until.IsZero() }

// done reports whether nothing is worth waiting for any more.
func (l leave) done(a *agent) bool {
	if !l.begun() {
		return false
	}
	t := time.Now()
	if !t.Before(l.until) {
		return true
	}
	if !a.brain.Drained() && t.Before(l.drained) {
		return false
	}
	return !l.settle || !a.brain.Owes() || a.brain.Session() == 0
}
