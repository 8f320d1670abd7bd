// Package placement chooses the agent of an attempt: feasible, then score, then
// the choice.
//
// It promises that equal input gives an equal choice, that an agent without a
// free slot is never chosen, and that the reasons it gives to people (Explain)
// are those it decides by. What an agent is (Matches) is kept apart from how
// busy it is (Fits), so that a caller can keep the matching agents of each Ask
// and never look at the fleet again for a job that fits nowhere. It never looks
// at jobs, pools or time.
package placement

import (
	"cmp"
	"maps"
	"slices"
)

// Agent is what placement needs to know of one.
type Agent struct {
	UID    string
	Name   string
	Labels map[string]string
	Slots  int32
	Used   int32
	Open   bool   // takes new work
	Served uint64 // grows with each choice: the smallest has waited longest
}

// Free is how many more attempts the agent takes.
func (a *Agent) Free() int32 {
	if !a.Open {
		return 0
	}
	return max(a.Slots-a.Used, 0)
}

// The strategies. An unknown one counts as the default, RoundRobin.
const (
	RoundRobin  = "round_robin"
	LeastLoaded = "least_loaded"
	Pinned      = "pinned"
)

// Ask is what a job wants of an agent.
type Ask struct {
	Strategy string
	Agent    string // name, for Pinned
	Labels   map[string]string
}

// Key is equal for equal Asks.
func (a Ask) Key() string {
	key := make([]byte, 0, 32)
	part := func(s string) { key = append(append(key, s...), 0) }
	part(a.Strategy)
	part(a.Agent)
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		part(name)
		part(a.Labels[name])
	}
	return string(key)
}

// Why says what keeps an agent from taking a job.
type Why string

// The reasons.
const (
	Takes  Why = ""
	Named  Why = "the job asks for another agent by name"
	Label  Why = "its labels do not match"
	Closed Why = "it takes no new work now"
	Full   Why = "all its slots are in use"
)

// Matches reports whether the agent is of the kind that is asked for, busy or
// not.
func (a Ask) Matches(agent *Agent) bool { return a.mismatch(agent) == Takes }

func (a Ask) mismatch(agent *Agent) Why {
	if a.Strategy == Pinned && a.Agent != agent.Name {
		return Named
	}
	for name, value := range a.Labels {
		if got, ok := agent.Labels[name]; !ok || got != value {
			return Label
		}
	}
	return Takes
}

// Fits reports whether a matching agent can take one more attempt.
func Fits(agent *Agent) bool { return agent.Free() > 0 }

// Choose picks one of the agents, which all match, or none when none fits. The
// caller counts the choice in Used and Served.
func Choose(strategy string, matching []*Agent) (*Agent, bool) {
	better := longestIdle
	if strategy == LeastLoaded {
		better = leastLoaded
	}
	var best *Agent
	for _, agent := range matching {
		if Fits(agent) && (best == nil || better(agent, best) < 0) {
			best = agent
		}
	}
	return best, best != nil
}

func longestIdle(a, b *Agent) int {
	return cmp.Or(cmp.Compare(a.Served, b.Served), cmp.Compare(a.Name, b.Name))
}

// leastLoaded compares used/slots without dividing.
func leastLoaded(a, b *Agent) int {
	load := cmp.Compare(int64(a.Used)*int64(b.Slots), int64(b.Used)*int64(a.Slots))
	return cmp.Or(load, longestIdle(a, b))
}

// Verdict is what placement thinks of one agent.
type Verdict struct {
	Agent string
	Why   Why
}

// Explain says for each agent whether it takes a job with this Ask, and if not
// why, in the order given.
func Explain(ask Ask, agents []*Agent) []Verdict {
	verdicts := make([]Verdict, len(agents))
	for i, agent := range agents {
		why := ask.mismatch(agent)
		switch {
		case why != Takes:
		case !agent.Open:
			why = Closed
		case !Fits(agent):
			why = Full
		}
		verdicts[i] = Verdict{agent.Name, why}
	}
	return verdicts
}
