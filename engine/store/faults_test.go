package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/engine/store/storetest"
)

// The tests below lose, hold and cut what goes between a store and MySQL.

// behind is a store whose way to its database leads through a proxy.
func behind(t *testing.T, state string) (*store.Store, *storetest.Proxy) {
	t.Helper()
	p, err := storetest.NewProxy(storetest.Upstream(state))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return storetest.Open(t, p.Through(state)), p
}

func onFirst(f storetest.Fate) func(int) storetest.Fate {
	return func(n int) storetest.Fate {
		if n == 1 {
			return f
		}
		return storetest.Pass
	}
}

func audits(t *testing.T, s *store.Store) map[string]bool {
	t.Helper()
	list, err := s.Audits(t.Context(), 0, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, a := range list {
		ids[a.ID] = true
	}
	return ids
}

func note(id string) *record.Batch {
	return &record.Batch{Audits: []record.Audit{{ID: id}}}
}

func TestUnknownCommit(t *testing.T) {
	for name, fate := range map[string]storetest.Fate{
		"answer lost": storetest.LoseReply, "order lost": storetest.LoseOrder,
		"answer held": storetest.HoldReply, "order held": storetest.HoldOrder,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := behind(t, storetest.MySQL(t))
			old := storetest.Take(t, s, "me")
			if err := s.Commit(t.Context(), old, 1, note("first")); err != nil {
				t.Fatal(err)
			}
			p.OnCommit(onFirst(fate))
			if err := s.Commit(t.Context(), old, 2, note("doubtful")); !errors.Is(err, lease.ErrUnknown) {
				t.Fatalf("error = %v", err)
			}
			// The bump waits for, or ends, what is in doubt.
			epoch := storetest.Take(t, s, "me")
			last, err := s.LastBatch(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			committed := fate == storetest.LoseReply || fate == storetest.HoldReply
			if (last == 2) != committed || audits(t, s)["doubtful"] != committed {
				t.Errorf("committed = %v, but the last batch is %d and the row's presence %v", committed, last, audits(t, s)["doubtful"])
			}
			if err := s.Commit(t.Context(), epoch, 3, note("next")); err != nil {
				t.Error(err)
			}
			if err := s.Commit(t.Context(), old, 4, note("stale")); !errors.Is(err, lease.ErrFenced) {
				t.Errorf("the old epoch: %v", err)
			}
		})
	}
}

// A link that breaks before the COMMIT, unseen by the server, leaves a transaction
// behind that holds its locks. Trying again ends it.
func TestRetryEndsItsOwnRemains(t *testing.T) {
	t.Parallel()
	s, p := behind(t, storetest.MySQL(t))
	epoch := storetest.Take(t, s, "me")
	held := false
	p.OnQuery(func(text string) storetest.Fate {
		if held || !strings.Contains(text, "INSERT INTO audit") {
			return storetest.Pass
		}
		held = true
		return storetest.HoldReply
	})
	err := s.Commit(t.Context(), epoch, 1, note("a"))
	if err == nil || errors.Is(err, lease.ErrUnknown) || errors.Is(err, lease.ErrPoison) {
		t.Fatalf("error = %v", err)
	}
	begun := time.Now()
	if err := s.Commit(t.Context(), epoch, 1, note("a")); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the second try took %v", took)
	}
}

// A master that is stopped inside a transaction holds the epoch's lock.
func TestTakeOverFromAStoppedTransaction(t *testing.T) {
	state := storetest.MySQL(t)
	old, p := behind(t, state)
	epoch := storetest.Take(t, old, "old")
	// The order is held in the proxy: for the server the transaction stays open.
	open := make(chan struct{})
	p.OnCommit(func(int) storetest.Fate { close(open); return storetest.HoldOrder })
	failed := make(chan error, 1)
	go func() { failed <- old.Commit(context.WithoutCancel(t.Context()), epoch, 1, note("held")) }()
	<-open
	next := storetest.Open(t, state)
	begun := time.Now()
	taken := storetest.Take(t, next, "next")
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("take-over took %v", took)
	}
	if err := next.Commit(t.Context(), taken, 1, note("new")); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil || errors.Is(err, lease.ErrPoison) {
		t.Errorf("the stopped commit: %v", err)
	}
	p.OnCommit(nil)
	if err := old.Commit(t.Context(), epoch, 2, note("late")); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("after the take-over: %v", err)
	}
	if ids := audits(t, next); ids["held"] || ids["late"] || !ids["new"] {
		t.Errorf("rows: %v", ids)
	}
}

// A stale master writes nothing, not even what it would roll back: triggers see
// every row that is touched, and keep it in a table without transactions.
func TestStaleMasterTouchesNothing(t *testing.T) {
	state := storetest.MySQL(t)
	old := storetest.Open(t, state)
	epoch := storetest.Take(t, old, "old")
	next := storetest.Open(t, state)
	storetest.Take(t, next, "next")
	db := storetest.DB(t, state)
	for _, text := range []string{
		"CREATE TABLE seen (what VARCHAR(64)) ENGINE=MyISAM",
		"CREATE TRIGGER a BEFORE INSERT ON audit FOR EACH ROW INSERT INTO seen VALUES (NEW.id)",
		"CREATE TRIGGER b BEFORE INSERT ON batch FOR EACH ROW INSERT INTO seen VALUES (NEW.writer)",
		"CREATE TRIGGER c BEFORE UPDATE ON batch FOR EACH ROW INSERT INTO seen VALUES (NEW.writer)",
		"CREATE TRIGGER d BEFORE UPDATE ON beat FOR EACH ROW INSERT INTO seen VALUES (NEW.holder)",
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Commit(t.Context(), epoch, 1, note("stale")); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("error = %v", err)
	}
	if err := old.Office().Resign(t.Context(), epoch); err != nil {
		t.Error(err)
	}
	var seen int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM seen").Scan(&seen); err != nil || seen > 0 {
		t.Errorf("%d rows touched, error = %v", seen, err)
	}
}

// Writers of several masters go on without a pause while the seat changes hands.
// Each reads how many rows of older epochs there are when it takes the seat; that
// number never grows.
func TestNoStaleRowAppears(t *testing.T) {
	state := storetest.MySQL(t)
	const masters, takeOvers = 4, 40
	var current atomic.Int64
	seen := map[int64]int{} // epoch → rows of it when the next one began
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	stores := make([]*store.Store, masters)
	epochs := make([]atomic.Int64, masters)
	for i := range masters {
		stores[i] = storetest.Open(t, state)
		wg.Go(func() {
			for n := uint64(1); ctx.Err() == nil; n++ {
				epoch := epochs[i].Load()
				id := fmt.Sprintf("m%d-%d", i, n)
				err := stores[i].Commit(ctx, epoch, n, &record.Batch{
					Executions: []record.Execution{{ID: id, Revision: epoch, State: record.Running}},
				})
				if err != nil && !errors.Is(err, lease.ErrFenced) && ctx.Err() == nil {
					// Its line may have been cut by a take-over: that is an error, not a row.
					if errors.Is(err, lease.ErrPoison) || errors.Is(err, lease.ErrMoved) {
						t.Error(err)
					}
				}
				if epoch != current.Load() && n%4 == 0 {
					epochs[i].Store(current.Load()) // guesses an epoch that is another's: still fenced by number only
				}
			}
		})
	}
	db := storetest.DB(t, state)
	for n := range takeOvers {
		i := n % masters
		before := current.Load()
		var epoch int64
		eventually(t, "the seat is taken", func() bool { // a rival may have cut the line that it goes by
			seat, err := stores[i].Office().Look(t.Context())
			if err == nil {
				seat, err = stores[i].Office().Take(t.Context(), seat, lease.Holder{ID: fmt.Sprint("m", i)}, 0)
			}
			epoch = seat.Epoch
			return err == nil
		})
		seen[before] = countEpoch(t, db, before)
		current.Store(epoch)
		epochs[i].Store(epoch)
		eventually(t, "the new master writes", func() bool { return countEpoch(t, db, epoch) > 0 })
	}
	stop()
	wg.Wait()
	for epoch, n := range seen {
		if now := countEpoch(t, db, epoch); now != n {
			t.Errorf("epoch %d: %d rows when the next one began, %d now", epoch, n, now)
		}
	}
}

func countEpoch(t *testing.T, db *sql.DB, epoch int64) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM execution WHERE revision=?", epoch).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGoneWhenTheHolderHasEnded(t *testing.T) {
	state := storetest.MySQL(t)
	old, p := behind(t, state)
	epoch := storetest.Take(t, old, "old")
	next := storetest.Open(t, state)
	look := func() lease.Seat {
		seat, err := next.Office().Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return seat
	}
	if seat := look(); seat.Gone || seat.Connections == "" {
		t.Errorf("a holder that lives: %+v", seat)
	}
	p.Freeze()
	if seat := look(); seat.Gone {
		t.Errorf("a holder behind a half-open link: %+v", seat)
	}
	p.Thaw()
	p.Cut() // what the server sees when a process is killed
	eventually(t, "the holder's connections are gone", func() bool { return look().Gone })
	// It was alive after all: it comes back under new connections.
	if _, err := old.Office().Beat(t.Context(), epoch); err != nil {
		if _, err := old.Office().Beat(t.Context(), epoch); err != nil {
			t.Fatal(err)
		}
	}
	if seat := look(); seat.Gone {
		t.Errorf("a holder that has come back: %+v", seat)
	}
	if err := old.Commit(t.Context(), epoch, 1, note("a")); err != nil {
		if err := old.Commit(t.Context(), epoch, 1, note("a")); err != nil {
			t.Error(err)
		}
	}
}

// A half-open link costs a beat its time limit, and no more.
func TestBeatOnAHalfOpenLink(t *testing.T) {
	s, p := behind(t, storetest.MySQL(t))
	epoch := storetest.Take(t, s, "me")
	p.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := s.Office().Beat(ctx, epoch); err == nil {
		t.Error("a beat on a frozen link has succeeded")
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the beat ended after %v", took)
	}
	p.Thaw()
	if _, err := s.Office().Beat(t.Context(), epoch); err != nil {
		t.Error(err)
	}
}

// TestBothLinesComeBack: beats and batches lose their connections together, and find new ones together.
func TestBothLinesComeBack(t *testing.T) {
	s, p := behind(t, storetest.MySQL(t))
	epoch := storetest.Take(t, s, "me")
	for round := range 20 {
		p.Cut()
		work := []func() error{
			func() error { _, err := s.Office().Beat(t.Context(), epoch); return err },
			func() error { return s.Commit(t.Context(), epoch, uint64(round+1), note(fmt.Sprint("round ", round))) },
		}
		// All lines are known to be lost before any comes back.
		for _, do := range work {
			if err := do(); err == nil {
				t.Fatal("a cut line works")
			}
		}
		var all sync.WaitGroup
		for _, do := range work {
			all.Go(func() {
				if err := do(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func TestApplyInDoubt(t *testing.T) {
	for name, fate := range map[string]storetest.Fate{
		"answer lost": storetest.LoseReply, "order lost": storetest.LoseOrder,
		"answer held": storetest.HoldReply, "order held": storetest.HoldOrder,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := storetest.MySQL(t)
			s, p := behind(t, state)
			direct := storetest.Open(t, state)
			specs := []record.Spec{{Digest: "apply0", Data: []byte("{}")}, {Digest: "apply1", Data: []byte("{}")}}
			if err := direct.PutSpecs(t.Context(), specs, time.Hour); err != nil {
				t.Fatal(err)
			}
			for base := range int64(2) { // a new project, and one that exists
				if fate == storetest.LoseReply || fate == storetest.LoseOrder || base == 1 {
					p.OnCommit(onFirst(fate)) // held answers cost their time limit
				}
				id := fmt.Sprint("apply", base)
				rev, repeated, err := s.Apply(t.Context(), store.DefinitionChange{
					Project:  record.Project{UID: "p", Name: "p", Lineage: "l", Revision: base},
					Revision: record.Revision{ApplyID: id},
					Objects:  []store.ObjectChange{{Object: record.Object{UID: id, Kind: "flow", Address: "flow." + id, Digest: id}}},
					Audit:    record.Audit{ID: id},
				})
				if err != nil || repeated || rev.Number != base+1 {
					t.Fatalf("revision %d, repeated = %v, error = %v", rev.Number, repeated, err)
				}
			}
			revs, err := direct.Revisions(t.Context(), "p", 0, 10)
			if err != nil || len(revs) != 2 {
				t.Errorf("%d revisions, error = %v", len(revs), err)
			}
			if n := len(audits(t, direct)); n != 2 {
				t.Errorf("%d audits", n)
			}
		})
	}
}

// Who gives up in doubt is told that it is one, whatever the last try said.
func TestApplyGivenUpInDoubt(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 0, "before the next try": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := behind(t, storetest.MySQL(t))
			ctx, giveUp := context.WithCancel(t.Context())
			p.OnCommit(func(n int) storetest.Fate {
				time.AfterFunc(after, giveUp)
				return onFirst(storetest.LoseReply)(n)
			})
			change := store.DefinitionChange{
				Project: record.Project{UID: "p", Name: "p"}, Revision: record.Revision{ApplyID: "a"}, Audit: record.Audit{ID: "a"},
			}
			// On a slow machine it may have found out before it was given up.
			if rev, _, err := s.Apply(ctx, change); !errors.Is(err, lease.ErrUnknown) && (err != nil || rev.Number != 1) {
				t.Errorf("error = %v", err)
			}
			if rev, repeated, err := s.Apply(t.Context(), change); !repeated || rev.Number != 1 || err != nil {
				t.Errorf("asked again: revision %d, repeated = %v, error = %v", rev.Number, repeated, err)
			}
		})
	}
}

// A new line that could not be named in the beat row writes nothing, now or later.
func TestUnnamedLineIsNotUsed(t *testing.T) {
	t.Parallel()
	state := storetest.MySQL(t)
	s, p := behind(t, state)
	epoch := storetest.Take(t, s, "me")
	p.Cut()
	if err := s.Commit(t.Context(), epoch, 1, note("cut")); err == nil {
		t.Fatal("a cut line works")
	}
	db := storetest.DB(t, state)
	for _, text := range []string{
		"CREATE TABLE named (what VARCHAR(64)) ENGINE=MyISAM", // outside of transactions
		`CREATE TRIGGER unnamed BEFORE UPDATE ON beat FOR EACH ROW BEGIN
			INSERT INTO named VALUES ('once');
			IF (SELECT COUNT(*) FROM named)=1 THEN SIGNAL SQLSTATE '45000'; END IF;
		END`,
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit(t.Context(), epoch, 1, note("unnamed")); err == nil {
		t.Error("a batch was written by a line that is not named")
	}
	if err := s.Commit(t.Context(), epoch, 1, note("named")); err != nil {
		t.Error(err)
	}
	if seat, err := s.Office().Look(t.Context()); err != nil || seat.Gone {
		t.Errorf("the holder is taken for gone: %+v, %v", seat, err)
	}
	if ids := audits(t, s); len(ids) != 1 || !ids["named"] {
		t.Errorf("rows: %v", ids)
	}
}

// A COMMIT that was sent is not cut off by a caller who has given up: what became of
// it is known.
func TestCommitIsNotCutOff(t *testing.T) {
	t.Parallel()
	s, p := behind(t, storetest.MySQL(t))
	for name, do := range map[string]func(ctx context.Context) error{
		"apply": func(ctx context.Context) error {
			_, _, err := s.Apply(ctx, store.DefinitionChange{
				Project: record.Project{UID: "p", Name: "p"}, Revision: record.Revision{ApplyID: "a"}, Audit: record.Audit{ID: "a"},
			})
			return err
		},
		"change": func(ctx context.Context) error {
			return s.BeginBlob(ctx, record.Blob{Digest: "d", Upload: "1"}, time.Hour)
		},
	} {
		ctx, giveUp := context.WithCancel(t.Context())
		p.OnCommit(func(int) storetest.Fate {
			giveUp()
			<-time.After(50 * time.Millisecond) // for whoever listens to it
			return storetest.Pass
		})
		if err := do(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(limit) {
			t.Fatalf("not within 20 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond) // between two looks at a condition
	}
}
