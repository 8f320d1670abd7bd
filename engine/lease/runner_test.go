package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leifengta/lft/engine/lease"
)

// acting waits for a server's next term and says how long that took.
func acting(t *testing.T, s *server) (*lease.Term, time.Duration) {
	t.Helper()
	begun := time.Now()
	select {
	case term := <-s.terms:
		return term, time.Since(begun)
	case <-time.After(time.Hour):
		t.Fatal("nobody takes the seat")
		return nil, 0
	}
}

func TestOneActsTheOtherKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, took := acting(t, a)
		if took > lease.LookEvery || term.Epoch() != 1 {
			t.Errorf("epoch %d after %v", term.Epoch(), took)
		}
		if seat, self := a.Leader(); !self || seat.Epoch != 1 {
			t.Errorf("the leader does not know itself from its beginning: %+v", seat)
		}
		b := start(t, db, "bb")
		time.Sleep(time.Minute)
		if len(b.terms) > 0 || len(a.ended) > 0 {
			t.Fatal("the seat has changed hands")
		}
		if seat, self := b.Leader(); seat.Holder.Address != "a:1" || self || seat.Epoch != 1 {
			t.Errorf("the standby knows %+v", seat)
		}
		if seat, self := a.Leader(); seat.Holder.Address != "a:1" || !self {
			t.Errorf("the leader knows %+v", seat)
		}
		if term.Beat() < 58 {
			t.Errorf("%d beats in a minute", term.Beat())
		}
	})
}

func TestHandOverOnStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		acting(t, a)
		b := start(t, db, "bb")
		time.Sleep(10 * time.Second)
		a.stop()
		term, took := acting(t, b)
		if took > lease.LookEvery || term.Epoch() != 2 {
			t.Errorf("epoch %d after %v", term.Epoch(), took)
		}
		if err := <-a.done; err != nil {
			t.Error(err)
		}
	})
}

func TestTakeOverWhenTheHolderIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		old, _ := acting(t, a)
		b := start(t, db, "bb")
		time.Sleep(10 * time.Second)
		a.line.set(func(l *line) { l.hang = true })
		_, took := acting(t, b)
		if took < lease.ExpireIn-lease.BeatEvery || took > lease.ExpireIn+lease.LookEvery {
			t.Errorf("taken over after %v", took)
		}
		if old.Trust() {
			t.Error("the old holder still trusts its lease when the new one acts")
		}
		a.line.set(func(l *line) { l.hang = false })
		if err := <-a.ended; !errors.Is(err, lease.ErrFenced) {
			t.Errorf("the old term ended by %v", err)
		}
		time.Sleep(time.Minute)
		if len(a.terms) > 0 || len(b.ended) > 0 {
			t.Error("the old holder has come back")
		}
	})
}

func TestTakeOverAtOnceWhenTheHolderIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		acting(t, a)
		b := start(t, db, "bb")
		time.Sleep(10 * time.Second)
		a.line.set(func(l *line) { l.down = true })
		db.change(func(db *table) { db.seat.Gone = true })
		if _, took := acting(t, b); took > 2*lease.LookEvery {
			t.Errorf("taken over after %v", took)
		}
	})
}

func TestTrustEndsBeforeTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, _ := acting(t, a)
		time.Sleep(10 * time.Second)
		// The database answers each renewal, but late: trust counts from its beginning.
		a.line.set(func(l *line) { l.slow = 1500 * time.Millisecond })
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			if !term.Trust() {
				break
			}
		}
		a.line.set(func(l *line) { l.slow = 0; l.down = true })
		time.Sleep(lease.TrustFor + 1600*time.Millisecond)
		if term.Trust() {
			t.Error("trusts a lease that was not renewed for longer than TrustFor")
		}
		if len(a.ended) > 0 {
			t.Error("the term has ended although nobody else took the seat")
		}
		a.line.set(func(l *line) { l.down = false })
		time.Sleep(lease.LookEvery + time.Millisecond)
		if !term.Trust() {
			t.Error("does not trust the renewal after the database came back")
		}
	})
}

func TestTrustCountsFromTheBeginningOfTheRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, _ := acting(t, a)
		time.Sleep(10*time.Second + time.Millisecond) // just after a renewal
		a.line.set(func(l *line) { l.slow = 1900 * time.Millisecond })
		time.Sleep(lease.BeatEvery + 1900*time.Millisecond) // its answer has just come
		if ahead := term.Now() - db.now(); ahead > 0 {
			t.Errorf("ahead of the database by %d µs", ahead)
		}
		a.line.set(func(l *line) { l.hang = true })
		time.Sleep(lease.TrustFor - 1900*time.Millisecond - time.Millisecond)
		if !term.Trust() {
			t.Error("trust has ended early")
		}
		time.Sleep(2 * time.Millisecond)
		if term.Trust() {
			t.Error("trust counts from the answer, not from the question")
		}
	})
}

// TestTrustOfATakeOver: it counts from when the seat was asked for, not from the
// look before nor from the answer.
func TestTrustOfATakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		a.line.set(func(l *line) { l.slow = 1900 * time.Millisecond })
		term, _ := acting(t, a)
		if !term.Trust() {
			t.Error("does not trust what it has just taken")
		}
		if ahead := term.Now() - db.now(); ahead > 0 {
			t.Errorf("ahead of the database by %d µs", ahead)
		}
		a.line.set(func(l *line) { l.hang = true })
		time.Sleep(lease.TrustFor - 1900*time.Millisecond)
		if !term.Trust() {
			t.Error("trust has ended early")
		}
		time.Sleep(time.Millisecond)
		if term.Trust() {
			t.Error("trust counts from the answer")
		}
	})
}

// TestDatabaseAwayForAll: when it is back its list of connections is new, and the
// holder gets a moment to show up in it.
func TestDatabaseAwayForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		acting(t, a)
		b := start(t, db, "bb")
		time.Sleep(10 * time.Second)
		away := func(yes bool) {
			for _, s := range []*server{a, b} {
				s.line.set(func(l *line) { l.down = yes })
			}
		}
		away(true)
		time.Sleep(time.Second)
		db.change(func(db *table) { db.seat.Gone = true })
		away(false)
		time.Sleep(time.Second - lease.LookEvery)
		db.change(func(db *table) { db.seat.Gone = false })
		time.Sleep(time.Minute)
		if len(b.terms) > 0 || len(a.ended) > 0 {
			t.Error("the seat has changed hands although its holder came back in time")
		}
	})
}

// TestRenewsSoonAfterTrouble, and at its own pace again when that is over.
func TestRenewsSoonAfterTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, _ := acting(t, a)
		time.Sleep(10*time.Second + time.Millisecond)
		a.line.set(func(l *line) { l.down = true })
		time.Sleep(lease.BeatEvery)
		a.line.set(func(l *line) { l.down = false })
		before := term.Beat()
		time.Sleep(lease.LookEvery)
		if n := term.Beat() - before; n != 1 {
			t.Errorf("%d renewals at once after the database is back", n)
		}
		time.Sleep(10 * lease.BeatEvery)
		if n := term.Beat() - before; n != 11 {
			t.Errorf("%d renewals in the ten seconds after", n-1)
		}
	})
}

func TestNowFollowsTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, _ := acting(t, a)
		last := int64(0)
		check := func(what string) {
			t.Helper()
			now := term.Now()
			if now < last {
				t.Errorf("%s: went back by %d µs", what, last-now)
			}
			last = now
		}
		for i := range 500 {
			time.Sleep(77 * time.Millisecond)
			check("steady")
			if ahead := term.Now() - db.now(); ahead > 0 {
				t.Fatalf("ahead of the database by %d µs", ahead)
			}
			if i == 200 {
				db.change(func(db *table) { db.shift = -5 * time.Second }) // within what a clock is set by
			}
			if i == 200 {
				break
			}
		}
		for range 200 {
			time.Sleep(77 * time.Millisecond)
			check("set back a little")
		}
		if behind := db.now() - term.Now(); behind > 2000 || behind < 0 {
			t.Errorf("%d µs behind after it was set back a little", behind)
		}
		if term.Jump() != 0 {
			t.Errorf("jump of %v", term.Jump())
		}
	})
}

func TestJumpStopsTheClockFromFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, _ := acting(t, a)
		time.Sleep(10 * time.Second)
		for _, shift := range []time.Duration{time.Hour, -time.Hour} {
			right := term.Now() - db.now()
			db.change(func(db *table) { db.shift += shift })
			time.Sleep(2 * time.Second)
			if jump := term.Jump(); jump.Round(time.Second) != shift {
				t.Errorf("jump of %v is told as %v", shift, jump)
			}
			if off := term.Now() - db.now() + shift.Microseconds() - right; off > 2000 || off < -2000 {
				t.Errorf("the clock has followed a jump of %v", shift)
			}
			db.change(func(db *table) { db.shift -= shift })
			time.Sleep(2 * time.Second)
			if term.Jump() != 0 {
				t.Errorf("the clock is back, but a jump of %v is told", term.Jump())
			}
		}
	})
}

// TestJumpThatIsRight: a clock that was wrong is set right, or the machine stood
// still and does not know; the next term has the time.
func TestJumpThatIsRight(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"behind": -time.Hour, "ahead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newTable()
				right := time.Since(time.Unix(0, 0))
				db.shift = right + wrong
				a := start(t, db, "a")
				first, _ := acting(t, a)
				time.Sleep(10 * time.Second)
				db.change(func(db *table) { db.shift = right })
				term, took := acting(t, a)
				if took > 2*lease.BeatEvery+lease.LookEvery || term.Epoch() <= first.Epoch() {
					t.Errorf("epoch %d after %d, after %v", term.Epoch(), first.Epoch(), took)
				}
				time.Sleep(time.Minute)
				if off := time.Until(time.UnixMicro(term.Now())).Abs(); off > 2*time.Millisecond || term.Jump() != 0 {
					t.Errorf("the clock is off by %v, a jump of %v", off, term.Jump())
				}
				if len(a.terms) > 0 {
					t.Error("one more term")
				}
			})
		})
	}
}

func TestRebump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, _ := acting(t, a)
		time.Sleep(10 * time.Second)
		open := make(chan struct{})
		db.change(func(db *table) { db.locked = open })
		go func() {
			time.Sleep(500 * time.Millisecond)
			db.change(func(db *table) { db.locked = nil })
			close(open)
		}()
		if err := term.Rebump(t.Context(), 40); err != nil {
			t.Fatal(err)
		}
		select {
		case <-open:
		default:
			t.Error("Rebump has not waited for the transaction in doubt")
		}
		if term.Epoch() != 41 {
			t.Errorf("epoch %d", term.Epoch())
		}
		time.Sleep(time.Minute)
		if len(a.ended) > 0 || !term.Trust() {
			t.Error("the term did not go on under its new epoch")
		}
	})
}

// TestRebumpThatIsGivenUp: who does not wait for its turn has no new epoch.
func TestRebumpThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		term, _ := acting(t, start(t, db, "a"))
		before := term.Epoch()
		open := make(chan struct{})
		db.change(func(db *table) { db.locked = open })
		first := make(chan error)
		go func() { first <- term.Rebump(t.Context(), 0) }()
		synctest.Wait()
		giveUp := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(giveUp)
		if err := term.Rebump(ctx, 0); !errors.Is(err, giveUp) || term.Epoch() != before {
			t.Errorf("epoch %d after %d: %v", term.Epoch(), before, err)
		}
		db.change(func(db *table) { db.locked = nil })
		close(open)
		if err := <-first; err != nil || term.Epoch() != before+1 {
			t.Errorf("epoch %d after %d: %v", term.Epoch(), before, err)
		}
	})
}

func TestRebumpAfterTheSeatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		a := start(t, db, "a")
		term, _ := acting(t, a)
		db.change(func(db *table) {
			db.seat.Epoch++
			db.seat.Holder = lease.Holder{ID: "other"}
		})
		if err := term.Rebump(t.Context(), 0); !errors.Is(err, lease.ErrFenced) {
			t.Errorf("error = %v", err)
		}
	})
}

func TestFailedTermGivesOthersAChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		bad := &lease.Runner{
			Office: &line{table: db}, Me: lease.Holder{ID: "bad"}, Clock: lease.BootTime, Log: slog.New(slog.DiscardHandler),
		}
		begun := time.Now()
		bad.Clock = func() time.Duration { return time.Since(begun) }
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		tries := 0
		done := make(chan error)
		go func() {
			done <- bad.Run(ctx, func(context.Context, *lease.Term) error { tries++; return errors.New("cannot restore") })
		}()
		time.Sleep(100 * time.Millisecond)
		good := start(t, db, "good")
		if _, took := acting(t, good); took > time.Second {
			t.Errorf("taken after %v", took)
		}
		time.Sleep(time.Minute)
		if tries != 1 {
			t.Errorf("%d terms failed although another one acts", tries)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRunEndsWhenActIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		begun := time.Now()
		r := &lease.Runner{
			Office: &line{table: db}, Me: lease.Holder{ID: "a"},
			Clock: func() time.Duration { return time.Since(begun) }, Log: slog.New(slog.DiscardHandler),
		}
		if err := r.Run(t.Context(), func(context.Context, *lease.Term) error { return nil }); err != nil {
			t.Error(err)
		}
		if !db.seat.Resigned {
			t.Error("has not resigned")
		}
	})
}

// late is a line whose renewals take their time.
type late struct {
	*line
	renewing atomic.Int32
}

func (l *late) Beat(ctx context.Context, epoch int64) (lease.Seat, error) {
	l.renewing.Add(1)
	defer l.renewing.Add(-1)
	time.Sleep(lease.BeatEvery)
	return l.line.Beat(ctx, epoch)
}

// TestNoRenewalAfterTheEnd: who has resigned has no renewal under way.
func TestNoRenewalAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		office := &late{line: &line{table: newTable()}}
		r := &lease.Runner{
			Office: office, Me: lease.Holder{ID: "a"},
			Clock: func() time.Duration { return time.Since(begun) }, Log: slog.New(slog.DiscardHandler),
		}
		err := r.Run(t.Context(), func(context.Context, *lease.Term) error {
			time.Sleep(lease.BeatEvery + lease.BeatEvery/2)
			if office.renewing.Load() != 1 {
				t.Error("no renewal is under way")
			}
			return nil
		})
		if err != nil || office.renewing.Load() != 0 || !office.seat.Resigned {
			t.Errorf("%d renewals under way, %+v, %v", office.renewing.Load(), office.seat, err)
		}
	})
}

// Many servers, whose lines hang and break in turn: at no time do two trust.
func TestNeverTwoThatTrust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		servers := []*server{start(t, db, "a"), start(t, db, "bb"), start(t, db, "ccc")}
		terms := map[*server]*lease.Term{}
		for step := range 4000 {
			time.Sleep(53 * time.Millisecond)
			// A fixed, uneven pattern of faults stands for bad luck.
			for i, s := range servers {
				s.line.set(func(l *line) {
					l.hang = (step/190)%len(servers) == i && step%190 < 130
					l.down = (step/61)%(len(servers)+2) == i
					l.slow = time.Duration((step/(3+i))%11) * 90 * time.Millisecond
				})
			}
			trusting := 0
			for _, s := range servers {
				for len(s.terms) > 0 {
					terms[s] = <-s.terms
				}
				for len(s.ended) > 0 {
					<-s.ended
				}
				if term := terms[s]; term != nil && term.Trust() {
					trusting++
				}
			}
			if trusting > 1 {
				t.Fatalf("step %d: %d servers trust their lease", step, trusting)
			}
		}
		if len(db.takes) < 10 {
			t.Errorf("only %d take-overs: the faults were too mild to show anything", len(db.takes))
		}
	})
}
