package brain_test

import (
	"testing"

	"github.com/leifengta/lft/agent/brain"
)

// TestNeedyOrderIsHeld: an order that needs something leaves no trace until that
// is there, and then is one like any other.
func TestNeedyOrderIsHeld(t *testing.T) {
	r := newRig(t)
	r.w.tokens["needy"] = &token{session: r.w.session}
	records := len(r.w.written)
	for range 2 { // it may be repeated
		r.w.say(brain.Message{Orders: []brain.Order{order("needy")}})
		r.w.answer()
	}
	if len(r.w.fetches) != 1 || len(r.w.written) != records || r.w.brain.Knows("needy") || !r.w.brain.Idle() {
		t.Errorf("%d fetches, %d records, known %v", len(r.w.fetches), len(r.w.written)-records, r.w.brain.Knows("needy"))
	}
	r.run("other") // holds nobody up
	r.w.fetched(true)
	r.w.obey()
	r.w.tell()
	if r.w.forks["needy"] != 1 {
		t.Errorf("%d forks", r.w.forks["needy"])
	}
}

func TestNeedyOrderIsRefused(t *testing.T) {
	r := newRig(t)
	r.w.tokens["needy"] = &token{session: r.w.session}
	r.w.say(brain.Message{Orders: []brain.Order{order("needy")}})
	r.w.answer()
	r.w.fetched(false)
	r.want("needy rejected")
	if r.w.forks["needy"] != 0 {
		t.Error("it was forked")
	}
}

// TestNewSessionForgetsHeldOrders: the master that hears nothing of them orders
// them again, here or elsewhere; what was fetched for nobody starts nothing.
func TestNewSessionForgetsHeldOrders(t *testing.T) {
	r := newRig(t)
	r.w.tokens["needy"] = &token{session: r.w.session}
	r.w.say(brain.Message{Orders: []brain.Order{order("needy")}})
	r.w.answer()
	r.w.disconnect()
	r.w.fetched(true)
	if r.w.brain.Knows("needy") {
		t.Error("an order of a session that has ended is taken")
	}
	r.w.register()
	r.w.hear()
	r.w.answer()
	r.w.fetched(true)
	r.w.obey()
	if r.w.forks["needy"] != 1 {
		t.Errorf("%d forks after it was ordered again", r.w.forks["needy"])
	}
}

func TestKillOfAHeldOrder(t *testing.T) {
	r := newRig(t)
	r.w.tokens["needy"] = &token{session: r.w.session, kill: true}
	r.w.say(brain.Message{Orders: []brain.Order{order("needy")}})
	r.w.answer()
	r.w.say(brain.Message{Kills: []brain.Kill{{Token: "needy", Why: "cancelled"}}})
	r.w.answer()
	r.want("needy cancelled")
	r.w.fetched(true)
	r.w.obey()
	if r.w.forks["needy"] != 0 {
		t.Error("it was forked")
	}
}
