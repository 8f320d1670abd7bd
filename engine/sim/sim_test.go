package sim

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// seeds is how many worlds are tried: LFT_SIM_SEEDS, or a few.
func seeds(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("LFT_SIM_SEEDS")
	if text == "" {
		return 25
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("LFT_SIM_SEEDS: %v", err)
	}
	return n
}

// each runs seeds on all processors until do says that it is enough.
func each(n uint64, do func(seed uint64) bool) {
	var next atomic.Uint64
	var stop atomic.Bool
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for seed := next.Add(1); seed <= n && !stop.Load(); seed = next.Add(1) {
				if !do(seed) {
					stop.Store(true)
				}
			}
		})
	}
	group.Wait()
}

func TestSeeds(t *testing.T) {
	var mu sync.Mutex
	var sum Result
	each(seeds(t), func(seed uint64) bool {
		r := Run(seed, None, nil)
		mu.Lock()
		defer mu.Unlock()
		if r.Violation != nil {
			t.Errorf("seed %d: %v", seed, r.Violation)
		}
		sum.Steps += r.Steps
		sum.Commits += r.Commits
		sum.Terms += r.Terms
		sum.Forks += r.Forks
		sum.Fires += r.Fires
		sum.Executions += r.Executions
		sum.Applied += r.Applied
		sum.Collected += r.Collected
		if seed%10 == 0 && Run(seed, None, nil).Trace != r.Trace {
			t.Errorf("seed %d leads to two histories", seed)
		}
		return true
	})
	t.Logf("%d steps, %d commits, %d terms, %d forks, %d fires, %d executions, %d packs applied, %d collected",
		sum.Steps, sum.Commits, sum.Terms, sum.Forks, sum.Fires, sum.Executions, sum.Applied, sum.Collected)
	if sum.Applied == 0 || sum.Collected == 0 {
		t.Error("packs were not applied and collected")
	}
}

// TestFamilies: the worlds are such that something starts others and something is
// overridden in them.
func TestFamilies(t *testing.T) {
	children, overrides := 0, 0
	for seed := range uint64(5) {
		r := Run(seed+1, None, nil)
		children += r.Children
		overrides += r.Overrides
	}
	if children < 10 || overrides < 10 {
		t.Errorf("%d executions are started by others, %d overrides are made", children, overrides)
	}
}

// TestSeed shows one history: LFT_SIM_SEED, and LFT_SIM_FAULT if a bug is to be
// planted.
func TestSeed(t *testing.T) {
	text := os.Getenv("LFT_SIM_SEED")
	if text == "" {
		t.Skip("LFT_SIM_SEED names no seed")
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	r := Run(seed, Fault(os.Getenv("LFT_SIM_FAULT")), func(line string) { fmt.Println(line) })
	if r.Violation != nil {
		t.Error(r.Violation)
	}
}

// enough is how many seeds may pass before a planted bug must have been caught.
const enough = 400

// TestFaults plants every bug and demands that it is caught. The table says how
// many seeds that took, and what the first violation was.
func TestFaults(t *testing.T) {
	for _, fault := range Faults() {
		var mu sync.Mutex
		var caught error
		tried := uint64(0)
		each(enough, func(seed uint64) bool {
			r := Run(seed, fault, nil)
			mu.Lock()
			defer mu.Unlock()
			tried++
			if r.Violation != nil && caught == nil {
				caught = r.Violation
			}
			return caught == nil
		})
		if caught == nil {
			t.Errorf("%q is not caught within %d seeds", fault, enough)
			continue
		}
		t.Logf("%3d seeds: %s: %v", tried, fault, caught)
	}
}
