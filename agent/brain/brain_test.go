package brain_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leifengta/lft/agent/brain"
)

// TestAtMostOnce drives brains through anything that can happen to them. The
// world fails when a token is forked twice, a result is lost or invented, or
// nothing comes to rest once all is well again. Seeds and not rapid: its draws
// lean towards small numbers, and the disasters are the point here.
func TestAtMostOnce(t *testing.T) {
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 0))
		w := newWorld()
		w.fail = func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: "+format, append([]any{seed}, args...)...)
		}
		until := rnd.IntN(400)
		w.crash = func() bool {
			if until--; until == 0 {
				until = rnd.IntN(400)
				return true
			}
			return false
		}
		w.slow = func() bool { return rnd.IntN(3) == 0 }
		for range 300 {
			act(rnd, w)
		}
		w.heal()
	}
}

// act lets one thing happen. Ordinary ones come more often than disasters.
func act(rnd *rand.Rand, w *world) {
	known := slices.Sorted(maps.Keys(w.tokens))
	// alive picks a token that a correct master may still speak of.
	alive := func() (string, bool) {
		if len(known) == 0 {
			return "", false
		}
		tok := known[rnd.IntN(len(known))]
		t := w.tokens[tok]
		return tok, t.result == nil || t.session == w.session
	}
	if rnd.IntN(25) == 0 {
		disaster(rnd, w)
		return
	}
	if rnd.IntN(8) == 0 {
		w.fetched(rnd.IntN(4) > 0)
	}
	n := rnd.IntN(32)
	switch {
	case n <= 2:
		w.connect()
	case n <= 4:
		w.register()
	case n <= 9:
		w.hear()
	case n <= 14:
		w.answer()
	case n <= 18:
		w.obey()
	case n <= 21:
		w.tell()
	case n == 22:
		w.ship()
	case n <= 24:
		if running := w.running(); len(running) > 0 {
			w.finish(running[rnd.IntN(len(running))], 10*rnd.Int64N(2))
		}
	case n <= 28:
		if w.open && w.hello {
			tok := fmt.Sprintf("t%02d", len(w.tokens))
			w.tokens[tok] = &token{session: w.session}
			w.say(brain.Message{Orders: []brain.Order{order(tok)}})
		}
	case n == 29:
		if tok, ok := alive(); ok {
			w.say(brain.Message{Orders: []brain.Order{order(tok)}}) // doubled, perhaps long after
		}
	case n == 30:
		if tok, ok := alive(); ok {
			w.tokens[tok].kill = true
			w.say(brain.Message{Kills: []brain.Kill{{Token: tok, Why: "cancelled"}}})
		}
	}
	if n == 31 {
		w.at += brain.Time(rnd.Int64N(int64(brain.Second)))
		w.step(brain.Tick{})
	}
	if w.hungup {
		w.disconnect()
	}
}

func disaster(rnd *rand.Rand, w *world) {
	switch n := rnd.IntN(10); {
	case n == 0:
		if rnd.IntN(2) == 0 {
			w.written = w.brain.Records() // written anew while it runs
			w.synced = len(w.written)
		}
		w.crashAgent()
	case n == 1:
		w.killKeeper()
	case n == 2:
		w.disconnect()
	case n == 3:
		w.cut()
	case n == 4:
		w.epoch++ // another master
		w.disconnect()
	case n == 5:
		w.epoch++ // a master that took its own lease anew keeps its sessions
	case n == 6 && rnd.IntN(4) == 0:
		w.crashHost(rnd.IntN(5))
	case n == 7 && len(w.down) > 0:
		w.down = w.down[1:] // lost by a master that had to reload its state
	case n == 8 && w.open:
		// A deposed master has no say, whatever it asks for, nor has an old session.
		stale := []brain.Order{order("stale")}
		w.step(brain.Message{Session: w.session - 1, Epoch: w.epoch, Orders: stale})
		w.step(brain.Message{Session: w.session, Epoch: w.brain.Epoch() - 1, Orders: stale})
	case n == 9:
		w.at += brain.Time(rnd.Int64N(int64(8 * brain.Second)))
		w.step(brain.Tick{})
	case len(w.down) > 1: // out of order, which the transport promises not to do
		w.down[0], w.down[1] = w.down[1], w.down[0]
	}
}
