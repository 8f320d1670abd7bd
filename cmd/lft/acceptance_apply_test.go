package main_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/store/storetest"
	"github.com/leifengta/lft/lang/spec"
)

// revision is what lft history -json says.
type revision struct {
	Number        int64
	EffectiveFrom time.Time `json:"effective_from"`
}

func (w *world) history() []revision {
	w.tb.Helper()
	var list []revision
	w.decode(&list, "history", "-json")
	return list
}

// everyKind writes a folder with objects of every kind, all of which differ from number to number. Some of them have
// moved there from the folder of number base; -1 is none.
func everyKind(tb testing.TB, dir string, n, base int) {
	tb.Helper()
	for _, part := range []string{"data", "module"} {
		if err := os.MkdirAll(filepath.Join(dir, part), 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	writeFile(tb, dir, "data/part.txt", fmt.Sprintln("bytes of", n))
	writeFile(tb, dir, "module/main.hcl", "pool \"inner\" {\n  for_each = toset([\"a\", \"b\"])\n  slots = 7\n}\n")
	text := fmt.Sprintf(`
flow "f" {
  description = "number %[1]d"
  job "shell" "a" {
    command = ["true"]
    pool    = pool.p
    uses    = [dependency.d]
  }
}

pool "p" { slots = %[2]d }

calendar "c" { exclude = ["%[3]s"] }

schedule "s" {
  flow     = flow.f
  cron     = "0 2 * * *"
  start    = "%[3]sT00:00:00Z"
  calendar = calendar.c
}

dependency "d" { source = "data" }

output "o" { value = %[1]d }

flow "only%[1]d" {}

flow "at%[1]d" {}

schedule "at%[1]d" {
  flow = flow.at%[1]d
  cron = "0 3 * * *"
}

module "at%[1]d" { source = "./module" }
`, n, 1+n, time.Date(2030, 1, 1+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
	for _, kind := range []string{"flow", "schedule", "module"} {
		if base >= 0 {
			text += fmt.Sprintf("moved {\n  from = %[1]s.at%[2]d\n  to   = %[1]s.at%[3]d\n}\n", kind, base, n)
		}
	}
	writeFile(tb, dir, "main.hcl", text)
}

// TestTortureApply lets eight folders apply plans of one base at the same time, and in every second round kills each at
// a random point, while an operator overrides what they change and what they move. The plans change, make, destroy and
// move objects of every kind. One wins or none; whoever was told so is in the history, the losers are told that they
// are stale and leave no row, and what is moved is what it was.
func TestTortureApply(t *testing.T) {
	t.Run("mariadb", func(t *testing.T) {
		w := newWorld(t)
		w.newCluster(newDatabase(t), 1) // has the bucket
		w.torture(storetest.DB(t, w.state), true)
	})
	t.Run("sqlite", func(t *testing.T) {
		w := newWorld(t)
		path := filepath.Join(t.TempDir(), "lft.db")
		w.state = "sqlite://" + path
		db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		w.torture(db, false)
	})
}

func (w *world) torture(db *sql.DB, operated bool) {
	w.tb.Helper()
	const writers = 8
	everyKind(w.tb, w.dir, 0, -1)
	w.must(0, "apply", "-auto-approve")
	if operated {
		w.until("flow.at0 is paused", 20*time.Second, func() bool { return w.lft("pause", "flow.at0").code == 0 })
	}
	born := w.uids("at0")
	lock, err := os.ReadFile(filepath.Join(w.dir, ".lft.lock.hcl"))
	if err != nil {
		w.tb.Fatal(err)
	}
	folders := make([]string, writers)
	for i := range folders {
		folders[i] = w.tb.TempDir()
		writeFile(w.tb, folders[i], ".lft.lock.hcl", string(lock))
	}
	for round := range rounds(2, 50) {
		before, base := w.history(), w.number()
		if operated { // before the plans, which tell that they end it
			w.must(0, "pool", "resize", "pool.p", strconv.Itoa(1000+round))
		}
		for i, dir := range folders {
			everyKind(w.tb, dir, 1+round*writers+i, base)
			w.must(0, "-chdir="+dir, "plan", "-out=plan.lftplan")
		}
		var operator sync.WaitGroup
		if operated {
			operator.Go(func() {
				if r := w.lft("pause", "schedule.s", "-reason", fmt.Sprint(round)); r.code != 0 {
					w.tb.Errorf("pause ended %d:\n%s", r.code, r.stderr)
				}
			})
		}
		winners := w.race(folders, round%2 == 1)
		operator.Wait()
		after := w.history()
		if grown := len(after) - len(before); grown > 1 || len(winners) > grown || after[0].Number != int64(len(after)) {
			w.tb.Fatalf("round %d: %d revisions more, %d winners, newest is %d of %d", round, grown, len(winners), after[0].Number, len(after))
		}
		// Specs are content: whoever plans may leave some behind, named by nobody.
		if n := count(w.tb, db, `SELECT (SELECT COUNT(*) FROM object WHERE valid_from>?)+
			(SELECT COUNT(*) FROM audit WHERE verb='apply')+(SELECT COUNT(*) FROM revision)-2*?`, len(after), len(after)); n != 0 {
			w.tb.Fatalf("round %d: %d rows of losers", round, n)
		}
		for _, dir := range winners {
			w.must(0, "-chdir="+dir, "plan", "-detailed-exitcode")
		}
		at := fmt.Sprintf("at%d", w.number())
		if d := cmp.Diff(born, w.uids(at)); d != "" {
			w.tb.Fatalf("round %d: uids of what was moved to %s (-was +is):\n%s", round, at, d)
		}
		if operated {
			w.overrides(spec.Address("flow."+at), len(after) > len(before))
		}
	}
}

// number is that of the deployed folder.
func (w *world) number() int {
	w.tb.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(w.must(0, "output", "o").stdout))
	if err != nil {
		w.tb.Fatal(err)
	}
	return n
}

// uids are those of the objects that move, by their addresses without the name.
func (w *world) uids(name string) map[string]string {
	w.tb.Helper()
	var list []struct{ Address, UID string }
	w.decode(&list, "state", "list", "-json")
	uids := map[string]string{}
	for _, o := range list {
		if strings.Contains(o.Address, "."+name) {
			uids[strings.Replace(o.Address, "."+name, "", 1)] = o.UID
		}
	}
	if len(uids) != 4 {
		w.tb.Fatalf("%d objects are called %s: %v", len(uids), name, list)
	}
	return uids
}

// overrides checks that a paused flow is paused wherever it is, and that the size of a pool was overridden until
// another one was declared.
func (w *world) overrides(paused spec.Address, declared bool) {
	w.tb.Helper()
	want := map[overridden]bool{{paused, "paused"}: true, {"schedule.s", "paused"}: true}
	if !declared {
		want[overridden{"pool.p", "slots"}] = true
	}
	w.until("overrides have followed", 20*time.Second, func() bool { return maps.Equal(want, w.overridden()) })
}

// killWithin is about how long eight applies at once take.
const killWithin = 600 * time.Millisecond

// race applies the saved plans of all folders at once, kills them if told so, and returns the folders whose apply
// ended 0.
func (w *world) race(folders []string, kill bool) (winners []string) {
	w.tb.Helper()
	results := make([]result, len(folders))
	var all sync.WaitGroup
	for i, dir := range folders {
		all.Go(func() {
			cmd := w.command("-chdir="+dir, "apply", "plan.lftplan")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				w.tb.Error(err)
				return
			}
			if kill {
				timer := time.AfterFunc(rand.N(killWithin), func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
				defer timer.Stop()
			}
			_ = cmd.Wait()
			results[i] = result{stdout: out.String(), code: cmd.ProcessState.ExitCode()}
		})
	}
	all.Wait()
	for i, r := range results {
		switch {
		case r.code == 0:
			winners = append(winners, folders[i])
		case r.code == -1: // killed
		case r.code != 1 || !strings.Contains(r.stdout, "stale"):
			w.tb.Errorf("writer %d ended %d and does not say that its plan is stale:\n%s", i, r.code, r.stdout)
		}
	}
	return winners
}

// fire is what lft fires -json says.
type fire struct {
	Instant   time.Time
	Decision  string
	Reason    string
	Execution string
	From, To  time.Time
	Count     int64
}

// TestSchedule lets a schedule fire each second, through a change of masters, until an apply destroys it: each instant
// is decided once, each RUN was witnessed once, and none lies after the revision took effect.
func TestSchedule(t *testing.T) {
	w := newWorld(t)
	c := w.newCluster(newDatabase(t), 2, "a")
	flow := chains(1, 1).flow("tick", w.argv(), quick)
	c.apply(flow + "schedule \"s\" {\n  flow  = flow.tick\n  every = \"1s\"\n}\n")
	from := c.history()[0].EffectiveFrom
	c.until("it fires", 20*time.Second, func() bool { return witnessed(t, w.witness).count("stop") >= 3 })
	c.servers[c.leader(time.Minute)].kill()
	seen := witnessed(t, w.witness).count("stop")
	c.until("it fires under the next master", 20*time.Second, func() bool { return witnessed(t, w.witness).count("stop") >= seen+3 })
	c.apply(flow)
	c.decidedOnce("schedule.s", from, c.history()[0].EffectiveFrom)
}

// decidedOnce checks a schedule of each second that was deployed at from and destroyed at end: all instants between
// are decided, no other is, and what ran has one witness.
func (w *world) decidedOnce(schedule string, from, end time.Time) {
	w.tb.Helper()
	read := func() (fires []fire) {
		w.decode(&fires, "fires", schedule, "-json", "-limit=0")
		return fires
	}
	w.until("all instants are decided", 20*time.Second, func() bool { return decided(read()) == end.Unix()-from.Unix() })
	<-time.After(2 * time.Second) // nothing may come now; there is no event to wait for
	fires := read()
	if n := decided(fires); n != end.Unix()-from.Unix() {
		w.tb.Errorf("%d instants decided between %s and %s", n, from, end)
	}
	states := map[string]string{}
	w.until("all runs have ended", time.Minute, func() bool {
		var list []execution
		w.decode(&list, "runs", "-json", "-limit=0")
		ended := true
		for _, e := range list {
			states[e.ID] = e.State
			ended = ended && e.ended()
		}
		return ended
	})
	starts := map[string]int{}
	for _, e := range witnessed(w.tb, w.witness) {
		if e.verb == "start" {
			starts[e.execution]++
		}
	}
	for _, f := range fires {
		if at := f.last(); at.After(end) || !f.first().After(from) {
			w.tb.Errorf("%s was decided; the schedule lived from %s to %s", at, from, end)
		}
		if f.Decision == "RUN" && (states[f.Execution] != "SUCCEEDED" || starts[f.Execution] != 1) {
			w.tb.Errorf("%s of %s is %s with %d starts", f.Execution, f.Instant, states[f.Execution], starts[f.Execution])
		}
	}
}

func (f fire) first() time.Time {
	if f.Count > 0 {
		return f.From
	}
	return f.Instant
}

func (f fire) last() time.Time {
	if f.Count > 0 {
		return f.To
	}
	return f.Instant
}

// decided counts instants; each range stands for its own.
func decided(fires []fire) int64 {
	n := int64(0)
	for _, f := range fires {
		n += max(f.Count, 1)
	}
	return n
}
