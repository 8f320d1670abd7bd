package master

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// quickly is how long one turn may spend on answering Prepares by itself. What
// takes longer goes to the workers, so that no expression stalls the loop.
const quickly = 2 * time.Millisecond

func stack() []byte { return debug.Stack() }

// step takes one submission in. A refusal answers its caller and is no error.
func (l *loop) step(sub *submission) error {
	if sub.look != nil && l.looks.stale(sub.look) {
		sub.answer(kernel.Reply{Err: errLookAgain})
		return nil
	}
	if sub.stale() {
		return nil
	}
	if sub.make != nil {
		l.lastID++
		sub.id = l.lastID
		sub.event = sub.make(sub.id)
	}
	var refused error
	l.current = sub
	if err := l.guard("Step", func() { refused = l.st.Step(l.now(), sub.event) }); err != nil {
		return l.blame(err, sub)
	}
	l.dirty = true
	if _, tick := sub.event.(kernel.Tick); tick {
		l.barren = 0
	}
	switch {
	case refused == nil:
		if sub.id != 0 {
			l.waiting[sub.id] = sub
		}
	case sub.reply != nil:
		sub.answer(kernel.Reply{Err: refused})
	default:
		l.log.Warn("event refused", "event", kind(sub.event), "error", refused)
	}
	if sub.session != nil {
		l.heard(sub)
	}
	return nil
}

// stale reports whether the agent of a registration has given up waiting. It asks
// anew, so a session made now would void the one it has by then, and what it said
// of its journal is older than what it has said since.
func (sub *submission) stale() bool {
	select {
	case <-sub.left:
		return true
	default:
		return false
	}
}

// heard notes an agent's message. A mere heartbeat is answered at once; what
// brings news is answered with what follows from it, in one message.
func (l *loop) heard(sub *submission) {
	reports, ok := sub.event.(kernel.Reports)
	if !ok {
		return
	}
	if len(reports.List) == 0 {
		sub.session.answered(sub.echo)
		return
	}
	l.pace.note(len(reports.List), time.Now())
	l.echoes = append(l.echoes, sub)
}

// answer tells the caller. The channel holds one reply and there is never a
// second.
func (sub *submission) answer(r kernel.Reply) {
	if sub.reply != nil {
		sub.reply <- r
	}
}

func (l *loop) blame(err error, sub *submission) error {
	if d, ok := errors.AsType[*defect](err); ok {
		d.sub = sub
	}
	return err
}

// answerPrepares answers what the kernel asks while that is quick. An answer
// may lead to more questions.
func (l *loop) answerPrepares(ctx context.Context) error {
	began := time.Now()
	for {
		var asked []kernel.Prepare
		if err := l.guard("Prepares", func() { asked = l.st.Prepares() }); err != nil {
			return err
		}
		if len(asked) == 0 {
			return nil
		}
		for i, p := range asked {
			if !l.careful && time.Since(began) > quickly {
				l.shop.add(asked[i:]...)
				return nil
			}
			if !l.cfg.Generator.Quick(p) {
				l.shop.add(p)
				continue
			}
			answer := l.cfg.Generator.Prepare(ctx, p)
			if ctx.Err() != nil {
				return context.Cause(ctx) // it may be the answer of giving up
			}
			if err := l.step(&submission{event: answer}); err != nil {
				return err
			}
			if l.careful {
				if err := l.pushAll(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// stepPrepared takes in what the workers made.
func (l *loop) stepPrepared(answers []kernel.Prepared) error {
	for _, a := range answers {
		if err := l.step(&submission{event: a}); err != nil {
			return err
		}
	}
	return nil
}

// pace decides how long to wait for a batch to fill. On a chain it never waits:
// it does so only when the reports of the last moments promise company.
type pace struct {
	rate  float64   // reports of late, decaying
	at    time.Time // of rate
	news  int       // reports stepped since the last Ready
	since time.Time // of the first of them
}

const (
	lingerFor   = 20 * time.Millisecond
	lingerFrom  = 16  // attempts in flight
	lingerShare = 4   // a batch is full with this part of them
	lingerRate  = 6.0 // reports within lingerFor that are worth it
	decayIn     = 100 * time.Millisecond
)

// note takes n reports in.
func (p *pace) note(n int, now time.Time) {
	if n == 0 {
		return
	}
	if p.news == 0 {
		p.since = now
	}
	p.news += n
	p.decay(now)
	p.rate += float64(n)
}

func (p *pace) decay(now time.Time) {
	gone := now.Sub(p.at)
	p.at = now
	if gone >= decayIn*8 {
		p.rate = 0
		return
	}
	for ; gone >= decayIn; gone -= decayIn {
		p.rate /= 2
	}
	p.rate *= 1 - 0.5*float64(gone)/float64(decayIn)
}

// linger is how long a commit should still wait.
func (p *pace) linger(inFlight int, now time.Time) time.Duration {
	if inFlight < lingerFrom || p.news == 0 || p.news >= inFlight/lingerShare {
		return 0
	}
	p.decay(now)
	// The decaying sum of a steady stream is about decayIn/ln 2 of it.
	if p.rate*float64(lingerFor)/float64(decayIn)*0.7 < lingerRate {
		return 0
	}
	return max(lingerFor-now.Sub(p.since), 0)
}

// taken begins a new batch.
func (p *pace) taken() { p.news = 0 }

// note keeps the attempts in flight as the rows tell.
func (l *loop) note(rows *record.Batch) {
	for i := range rows.Attempts {
		a := &rows.Attempts[i]
		switch {
		case a.State == record.Ended:
			delete(l.live, a.Token)
		case a.AgentUID != "": // not a sub-flow, of which nobody reports
			l.live[a.Token] = a.Execution
		}
	}
}
