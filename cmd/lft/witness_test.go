package main_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A testimony is what the jobs themselves wrote down; see testdata/witness.
type testimony []event

type event struct {
	verb, execution, job string
	attempt, pid         int
	at                   int64 // ns since the epoch, by this machine's clock
}

// witnessed reads the file that the jobs wrote so far.
func witnessed(tb testing.TB, file string) testimony {
	tb.Helper()
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	var out testimony
	for line := range strings.Lines(string(b)) {
		if !strings.HasSuffix(line, "\n") {
			break // a reader may see a line while it is written
		}
		e, err := parseEvent(strings.Fields(line))
		if err != nil {
			tb.Fatalf("%s: %q: %v", file, line, err)
		}
		out = append(out, e)
	}
	return out
}

func parseEvent(words []string) (e event, err error) {
	if len(words) != 6 {
		return event{}, fmt.Errorf("%d words", len(words))
	}
	e.verb, e.execution, e.job = words[0], words[1], words[2]
	var errs [3]error
	e.attempt, errs[0] = strconv.Atoi(words[3])
	e.pid, errs[1] = strconv.Atoi(words[4])
	e.at, errs[2] = strconv.ParseInt(words[5], 10, 64)
	return e, errors.Join(errs[:]...)
}

// of keeps what one execution's jobs said.
func (t testimony) of(execution string) testimony {
	return slices.DeleteFunc(slices.Clone(t), func(e event) bool { return e.execution != execution })
}

// started is when an attempt of a job said that it started.
func (t testimony) started(job string, attempt int) (time.Time, bool) {
	for _, e := range t {
		if e.verb == "start" && e.job == job && e.attempt == attempt {
			return time.Unix(0, e.at), true
		}
	}
	return time.Time{}, false
}

func (t testimony) count(verb string) int {
	n := 0
	for _, e := range t {
		if e.verb == verb {
			n++
		}
	}
	return n
}

// verify checks that each job of the graph started once and stopped once, never beside itself, and only after all
// its upstreams had stopped.
func (t testimony) verify(tb testing.TB, g graph) {
	tb.Helper()
	started, stopped := map[string]int{}, map[string]int{}
	for i, e := range t {
		switch e.verb {
		case "start":
			if before, twice := started[e.job]; twice {
				tb.Errorf("%s started twice: lines %d and %d", e.job, before, i)
			}
			started[e.job] = i
			for _, up := range g.upstreams(e.job) {
				if _, ok := stopped[up]; !ok {
					tb.Errorf("%s started before %s had stopped", e.job, up)
				}
			}
		case "stop":
			if before, twice := stopped[e.job]; twice {
				tb.Errorf("%s stopped twice: lines %d and %d", e.job, before, i)
			}
			stopped[e.job] = i
		default:
			tb.Errorf("%s: %s", e.job, e.verb)
		}
	}
	if len(started) != len(g) || len(stopped) != len(g) {
		tb.Errorf("%d of %d jobs started, %d stopped", len(started), len(g), len(stopped))
	}
}

// A graph holds the numbers of the upstreams of each job; all are smaller than its own.
type graph [][]int

func jobName(n int) string { return fmt.Sprintf("j%03d", n) }

func (g graph) upstreams(job string) []string {
	n, err := strconv.Atoi(strings.TrimPrefix(job, "j"))
	if err != nil || n >= len(g) {
		return nil
	}
	names := make([]string, len(g[n]))
	for i, up := range g[n] {
		names[i] = jobName(up)
	}
	return names
}

// randomGraph draws a DAG; the seed is in the log of a failed test.
func randomGraph(tb testing.TB, jobs, edges int) graph {
	tb.Helper()
	seed := rand.Uint64()
	tb.Logf("graph of seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	g := make(graph, jobs)
	for edges > 0 {
		to := 1 + r.IntN(jobs-1)
		from := r.IntN(to)
		if !slices.Contains(g[to], from) {
			g[to] = append(g[to], from)
			edges--
		}
	}
	return g
}

// chains draws n chains of the given length.
func chains(n, length int) graph {
	g := make(graph, n*length)
	for i := range g {
		if i%length != 0 {
			g[i] = []int{i - 1}
		}
	}
	return g
}

// flow writes the graph as a flow of witnesses, each started by argv and what args tells of its job.
func (g graph) flow(name string, argv []string, args func(job int) []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flow %q {\n", name)
	for n, ups := range g {
		after := make([]string, len(ups))
		for i, up := range ups {
			after[i] = "job." + jobName(up)
		}
		var words []string
		for _, a := range slices.Concat(argv, args(n)) {
			words = append(words, strconv.Quote(a))
		}
		fmt.Fprintf(&b, "  job \"shell\" %q {\n    command = [%s]\n", jobName(n), strings.Join(words, ", "))
		if len(after) > 0 {
			fmt.Fprintf(&b, "    after   = [%s]\n", strings.Join(after, ", "))
		}
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func writeFile(tb testing.TB, dir, name, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
