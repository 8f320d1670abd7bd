package main_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/store/storetest"
)

// newProxy stands between everything and the database.
func newProxy(tb testing.TB, state string) *storetest.Proxy {
	tb.Helper()
	p, err := storetest.NewProxy(storetest.Upstream(state))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// TestTortureCommit swallows the answers to COMMITs, of masters and of applies, while a schedule fires each second.
// No instant is lost or decided twice, each apply tells the truth, and each run has one witness.
func TestTortureCommit(t *testing.T) {
	t.Parallel()
	state := newDatabase(t)
	p := newProxy(t, state)
	w := newWorld(t)
	c := w.newCluster(p.Through(state), 2, "a")
	flow := chains(1, 1).flow("tick", w.argv(), quick)
	c.apply(flow + "schedule \"s\" {\n  flow  = flow.tick\n  every = \"1s\"\n}\n")
	from := c.history()[0].EffectiveFrom

	var swallowed atomic.Int64
	p.OnCommit(func(int) storetest.Fate {
		if rand.N(4) > 0 {
			return storetest.Pass
		}
		swallowed.Add(1)
		// Most have happened; some never reached the server.
		if rand.N(4) == 0 {
			return storetest.LoseOrder
		}
		return storetest.LoseReply
	})
	told := int64(1)
	for n := 0; swallowed.Load() < int64(rounds(8, 200)); n++ {
		moment(0, time.Second)
		writeFile(t, w.dir, "main.hcl", flow+fmt.Sprintf("flow \"other\" { description = \"change %d\" }\n", n)+
			"schedule \"s\" {\n  flow  = flow.tick\n  every = \"1s\"\n}\n")
		r := w.lft("apply", "-auto-approve")
		if r.code == 0 {
			told++
		}
		if done := c.history()[0].Number; done != told {
			t.Fatalf("apply %d ended %d, but the newest revision is %d, not %d:\n%s%s", n, r.code, done, told, r.stdout, r.stderr)
		}
	}
	p.OnCommit(nil)
	c.apply(flow)
	c.decidedOnce("schedule.s", from, c.history()[0].EffectiveFrom)
	t.Logf("%d COMMITs swallowed, %d applies", swallowed.Load(), told)
}

// touched are the tables that a batch writes; triggers note every row of them.
var touched = []string{
	"execution", "live_execution", "job", "attempt", "fire", "fire_range", "schedule_cursor", "adopted", "agent", "chunk", "log_end",
}

// notary notes, in tables that know no transactions, by which connection rows are written under which epoch, and
// which epoch that connection claims to have. What is rolled back later is noted, too.
func notary(t *testing.T, db *sql.DB) {
	t.Helper()
	const now = "(SELECT epoch FROM epoch WHERE id=1)"
	statements := []string{
		"CREATE TABLE claimed (conn BIGINT, epoch BIGINT, actual BIGINT) ENGINE=MyISAM",
		"CREATE TABLE written (conn BIGINT, actual BIGINT, what VARCHAR(32)) ENGINE=MyISAM",
		"CREATE TRIGGER on_batch BEFORE INSERT ON batch FOR EACH ROW INSERT INTO claimed VALUES (CONNECTION_ID(),NEW.epoch," + now + ")",
	}
	for _, table := range touched {
		statements = append(statements, fmt.Sprintf(
			"CREATE TRIGGER on_%[1]s BEFORE INSERT ON %[1]s FOR EACH ROW INSERT INTO written VALUES (CONNECTION_ID(),%[2]s,'%[1]s')", table, now))
	}
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// stale counts writes of a connection under another epoch than the one it had claimed.
func stale(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	const text = `SELECT (SELECT COUNT(*) FROM claimed WHERE epoch<>actual) +
		(SELECT COUNT(*) FROM written w JOIN (SELECT DISTINCT conn,epoch FROM claimed) c ON c.conn=w.conn WHERE c.epoch<>w.actual)`
	if err := db.QueryRowContext(t.Context(), text).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTortureStop stops the leader inside a commit, before or after the server has heard of it, lets another one
// take over and wakes the old one: it writes nothing any more, and all jobs run once.
func TestTortureStop(t *testing.T) {
	t.Parallel()
	state := newDatabase(t)
	p := newProxy(t, state)
	w := newWorld(t)
	c := w.newCluster(p.Through(state), 2, "a", "b")
	db := storetest.DB(t, state)
	notary(t, db)
	g := chains(10, 60)
	c.apply(g.flow("chains", w.argv(), func(int) []string { return []string{"-sleep", "50ms"} }))
	for round := range rounds(1, 50) {
		id := fmt.Sprintf("s%d", round)
		acting := c.leader(time.Minute)
		old := c.servers[acting]
		c.started("flow.chains", id)
		moment(200*time.Millisecond, 1500*time.Millisecond)
		stopped := make(chan struct{})
		p.OnCommit(func(n int) storetest.Fate {
			if n != 1 {
				return storetest.Pass
			}
			old.signal(syscall.SIGSTOP)
			close(stopped)
			if round%2 == 0 {
				return storetest.HoldOrder
			}
			return storetest.Pass
		})
		<-stopped
		before := len(witnessed(t, w.witness))
		c.until("another master acts", 30*time.Second, func() bool { return c.leader(time.Minute) != acting })
		c.until("jobs go on", 30*time.Second, func() bool { return len(witnessed(t, w.witness)) > before+20 })
		old.signal(syscall.SIGCONT)
		c.until("the old master stands by", 20*time.Second, func() bool {
			select {
			case <-old.done:
				return true
			default:
				return bytes.Count(old.output(), []byte("another server is the acting master")) > 0
			}
		})
		if e := c.finish(id, 2*time.Minute); e.State != "SUCCEEDED" {
			t.Errorf("%s ended %s", id, e.State)
		}
		c.settled(id, g)
		if n := stale(t, db); n > 0 {
			t.Errorf("%d rows were written under another master's number", n)
		}
		if t.Failed() {
			return
		}
		old.kill() // its output would answer for the next round
		c.serve(acting)
	}
}
