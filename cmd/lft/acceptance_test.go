package main_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/store/storetest"
)

// rounds is how often a test repeats what it does: a few times, or as often as it takes to believe it.
func rounds(few, full int) int {
	if os.Getenv("LFT_TORTURE") != "" {
		return full
	}
	return few
}

// moment lets a random time pass: what is killed next is killed wherever it happens to be.
func moment(least, most time.Duration) { <-time.After(least + rand.N(most-least)) }

const size, edges = 300, 900

func quick(int) []string { return nil }

// started starts an execution without waiting for it.
func (w *world) started(flow, id string) {
	w.tb.Helper()
	w.must(0, "run", flow, "-id", id, "-detach")
}

// settled checks the end of an execution against what the jobs said, and that the plan is empty and stable.
func (w *world) settled(id string, g graph) {
	w.tb.Helper()
	e := w.status(id)
	if e.State != "SUCCEEDED" || len(e.Jobs) != len(g) {
		w.tb.Errorf("%s is %s with %d of %d jobs", id, e.State, len(e.Jobs), len(g))
	}
	for _, j := range e.Jobs {
		if j.State != "SUCCEEDED" || len(j.Attempts) != 1 {
			w.tb.Errorf("%s is %s after %d attempts", j.Name, j.State, len(j.Attempts))
		}
	}
	witnessed(w.tb, w.witness).of(id).verify(w.tb, g)
	if a, b := w.must(0, "plan", "-detailed-exitcode"), w.must(0, "plan", "-detailed-exitcode"); a.stdout != b.stdout {
		w.tb.Errorf("two plans differ:\n%s\n%s", a.stdout, b.stdout)
	}
}

func TestGraphAlone(t *testing.T) {
	w := newWorld(t)
	g := randomGraph(t, size, edges)
	w.apply(g.flow("dag", w.argv(), quick))
	r := w.must(0, "run", "flow.dag", "-id", "alone")
	if first, _, _ := strings.Cut(r.stdout, " "); strings.TrimSpace(strings.SplitN(first, "\n", 2)[0]) != "alone" {
		t.Errorf("the first word is not the id: %q", r.stdout)
	}
	w.settled("alone", g)
}

func TestGraphOnDev(t *testing.T) {
	w := newWorld(t)
	g := randomGraph(t, size, edges)
	w.apply(g.flow("dag", w.argv(), quick))
	w.start("dev", "dev", "-listen", freeAddress(t))
	w.until("dev takes runs", 20*time.Second, func() bool { return w.lft("run", "flow.dag", "-id", "dev", "-detach").code == 0 })
	w.finish("dev", time.Minute)
	w.settled("dev", g)
}

// TestTortureDev kills master and agent of one process in the middle of things; the next one goes on with both.
func TestTortureDev(t *testing.T) {
	w := newWorld(t)
	g := randomGraph(t, size, edges)
	w.apply(g.flow("dag", w.argv(), func(int) []string { return []string{"-sleep", "20ms"} }))
	dev := func() *proc { return w.start("dev", "dev", "-listen", freeAddress(t)) }
	p := dev()
	for round := range rounds(1, 30) {
		id := fmt.Sprintf("v%d", round)
		w.until("dev takes runs", 20*time.Second, func() bool { return w.lft("run", "flow.dag", "-id", id, "-detach").code == 0 })
		for range 2 {
			moment(0, time.Second)
			p.kill()
			moment(0, 200*time.Millisecond)
			p = dev()
		}
		w.finish(id, 2*time.Minute)
		w.settled(id, g)
		if t.Failed() {
			return
		}
	}
}

func TestGraphOnCluster(t *testing.T) {
	w := newWorld(t)
	c := w.newCluster(newDatabase(t), 2, "a", "b")
	g := randomGraph(t, size, edges)
	c.apply(g.flow("dag", w.argv(), quick))
	c.must(0, "run", "flow.dag", "-id", "cluster")
	c.settled("cluster", g)
	agents := map[string]bool{}
	for _, j := range c.status("cluster").Jobs {
		for _, a := range j.Attempts {
			agents[a.Agent] = true
		}
	}
	if len(agents) != 2 {
		t.Errorf("the jobs ran on %v, not on both agents", agents)
	}
}

// TestTortureMaster kills the acting master in the middle of things; each job still runs once, and the next master's
// first order is obeyed in time.
func TestTortureMaster(t *testing.T) {
	const bar = 10 * time.Second
	state := newDatabase(t)
	w := newWorld(t)
	c := w.newCluster(state, 2, "a", "b", "c")
	db := storetest.DB(t, state)
	g := chains(30, 40)
	c.apply(g.flow("chains", w.argv(), func(int) []string { return []string{"-sleep", "50ms"} }))
	var gaps []time.Duration
	for round := range rounds(2, 100) {
		id := fmt.Sprintf("m%d", round)
		c.started("flow.chains", id)
		acting, epoch := c.term(time.Minute)
		moment(0, 1500*time.Millisecond)
		killed := time.Now()
		c.servers[acting].kill()
		var gap time.Duration
		c.until("the next master's first order is obeyed", time.Minute, func() bool {
			at := firstAfter(t, db, witnessed(t, w.witness), id, killed)
			gap = at.Sub(killed)
			return !at.IsZero()
		})
		gaps = append(gaps, gap)
		t.Logf("round %d: %v", round, gap)
		if _, next := c.term(time.Minute); next <= epoch {
			t.Fatalf("round %d: epoch %d followed epoch %d, so it was not the acting master that was killed", round, next, epoch)
		}
		c.serve(acting)
		if e := c.finish(id, 2*time.Minute); e.State != "SUCCEEDED" {
			t.Errorf("%s ended %s", id, e.State)
		}
		c.settled(id, g)
		if t.Failed() {
			return
		}
	}
	spread := spreadOf(gaps)
	t.Logf("from the kill to the first start that the next master ordered: %v", spread)
	if spread.p99 > bar {
		t.Errorf("p99 is over %v", bar)
	}
}

// firstAfter is when the first of the jobs started that a master ordered which took office after the given moment; zero
// while there is none. What its predecessor had ordered may start after that one's death, so the order counts, and
// the time is the witness's own.
func firstAfter(t *testing.T, db *sql.DB, said testimony, execution string, moment time.Time) (first time.Time) {
	t.Helper()
	const text = `SELECT j.name,a.n FROM beat b JOIN attempt a ON a.ordered_at>=b.since
		JOIN job j ON j.execution=a.execution AND j.number=a.number AND j.map_key=a.map_key
		WHERE b.id=1 AND b.since>? AND a.execution=?`
	rows, err := db.QueryContext(t.Context(), text, moment.UnixMicro(), execution)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var job string
		var attempt int
		if err := rows.Scan(&job, &attempt); err != nil {
			t.Fatal(err)
		}
		if at, ok := said.of(execution).started(job, attempt); ok && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return first
}

// A spread sums up how long the rounds of a test took.
type spread struct{ p50, p99, max time.Duration }

// spreadOf takes nearest ranks: of fewer than a hundred rounds the p99 is the longest.
func spreadOf(all []time.Duration) spread {
	sorted := slices.Sorted(slices.Values(all))
	rank := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] }
	return spread{rank(50), rank(99), rank(100)}
}

func (s spread) String() string { return fmt.Sprintf("p50 %v, p99 %v, max %v", s.p50, s.p99, s.max) }

// TestTortureDatabase kills MariaDB, in half of the rounds all masters with it, and keeps them away until all jobs that
// were running have ended. No job is killed. As soon as a master acts again, all results arrive, soon after them the
// logs, and each instant of a schedule is decided once.
func TestTortureDatabase(t *testing.T) {
	const resultsIn, logsIn = 3 * time.Second, 30 * time.Second
	server := newMariaDB(t)
	state := databaseOn(t, server.address)
	w := newWorld(t)
	c := w.newCluster(state, 2, "a", "b")
	db := storetest.DB(t, state)
	g := chains(20, 10)
	tick := chains(1, 1).flow("tick", w.argv(), quick)
	flows := tick + g.flow("chains", w.argv(), func(int) []string { return []string{"-sleep", "100ms"} }) +
		graph(make([][]int, 12)).flow("long", w.argv(), func(int) []string { return []string{"-sleep", "2s", "-bytes", "100000"} })
	c.apply(flows + "schedule \"s\" {\n  flow  = flow.tick\n  every = \"1s\"\n}\n")
	from := c.history()[0].EffectiveFrom
	var takeovers, results, logs []time.Duration
	full := rounds(1, 30)
	for round := range full {
		masters := rand.N(2) == 0
		chain, long := fmt.Sprintf("d%d", round), fmt.Sprintf("l%d", round)
		c.started("flow.chains", chain)
		c.started("flow.long", long)
		c.until("the long jobs run", time.Minute, func() bool { return witnessed(t, w.witness).of(long).count("start") == 12 })
		moment(0, 500*time.Millisecond)
		server.kill()
		if masters {
			for _, s := range c.servers {
				s.kill()
			}
		}
		c.until("the long jobs have ended", time.Minute, func() bool { return witnessed(t, w.witness).of(long).count("stop") == 12 })
		away(full > 1 && round >= full-2)
		server.script("start")
		up := time.Now()
		if masters {
			for i := range c.servers {
				c.serve(i)
			}
		}
		c.until("a master acts again", time.Minute, func() bool {
			return count(t, db, "SELECT COUNT(*) FROM beat WHERE renewed_at>?", up.UnixMicro()) > 0
		})
		acts := time.Now()
		c.until("all results are there", time.Minute, func() bool {
			return count(t, db, "SELECT COUNT(*) FROM attempt WHERE execution=? AND state='ENDED'", long) == 12
		})
		told := time.Now()
		c.until("all logs are there", time.Minute, func() bool {
			return count(t, db, `SELECT COUNT(*) FROM attempt a JOIN log_end e ON e.token=a.token WHERE a.execution=?
				AND e.bytes=(SELECT SUM(c.to_byte-c.from_byte) FROM chunk c WHERE c.token=a.token)`, long) == 12
		})
		takeovers, results, logs = append(takeovers, acts.Sub(up)), append(results, told.Sub(acts)), append(logs, time.Since(acts))
		sum, err := os.ReadFile(w.witness + ".sum")
		if err != nil {
			t.Fatal(err)
		}
		if got := w.sum("logs", long, jobName(round%12), "-raw"); got != string(sum) {
			t.Error("a log is not what the job wrote")
		}
		for id, g := range map[string]graph{chain: g, long: make([][]int, 12)} {
			if e := c.finish(id, 2*time.Minute); e.State != "SUCCEEDED" {
				t.Errorf("%s ended %s", id, e.State)
			}
			c.settled(id, g)
		}
		if t.Failed() {
			return
		}
	}
	c.apply(flows)
	c.decidedOnce("schedule.s", from, c.history()[0].EffectiveFrom)
	t.Logf("from the database's return to a master that acts: %v", spreadOf(takeovers))
	t.Logf("from then on to the results: %v; to the logs: %v", spreadOf(results), spreadOf(logs))
	if spreadOf(results).max > resultsIn || spreadOf(logs).max > logsIn {
		t.Errorf("results may take %v, logs %v", resultsIn, logsIn)
	}
}

// away lets time pass without masters and database: seconds, or minutes, which is longer than what a schedule calls
// late.
func away(long bool) {
	if long {
		moment(2*time.Minute, 3*time.Minute)
		return
	}
	moment(0, time.Duration(rounds(1, 20))*time.Second)
}

func count(tb testing.TB, db *sql.DB, query string, args ...any) (n int) {
	tb.Helper()
	if err := db.QueryRowContext(tb.Context(), query, args...).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}
