package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

type agentJSON struct {
	UID       string            `json:"uid"`
	Name      string            `json:"name"`
	State     string            `json:"state"`
	Reason    *string           `json:"reason"`
	Draining  bool              `json:"draining"`
	Slots     int32             `json:"slots"`
	Used      int32             `json:"used"`
	Labels    map[string]string `json:"labels"`
	Isolation *string           `json:"isolation"`
	Version   *string           `json:"version"`
	LastSeen  *string           `json:"last_seen"`
}

// Agents shows every agent that has ever registered, by name.
func Agents(t *Terminal, agents []*lftv1.Agent, asJSON bool, now time.Time) error {
	if asJSON {
		docs := make([]agentJSON, len(agents))
		for i, a := range agents {
			docs[i] = agentDocument(a)
		}
		return t.JSON(docs)
	}
	if len(agents) == 0 {
		t.Notef("no agent has registered yet; lft agent -master ADDRESS -name NAME starts one\n")
		return nil
	}
	var tab table
	tab.head("NAME", "STATE", "USED", "LABELS", "KILLS BY", "SEEN", "VERSION")
	for _, a := range agents {
		state := a.GetState() + because(a.GetReason())
		if a.GetDraining() {
			state += " draining"
		}
		seen := ""
		if a.GetLastSeen() != nil {
			seen = span(now.Sub(a.GetLastSeen().AsTime()).Truncate(time.Second)) + " ago"
		}
		tab.row(
			cell{text: a.GetName()},
			cell{state, stateStyle(a.GetState())},
			cell{text: fmt.Sprintf("%d/%d", a.GetUsed(), a.GetSlots())},
			cell{text: labelList(a.GetLabels())},
			cell{text: a.GetIsolation()},
			cell{text: seen},
			cell{text: a.GetVersion()},
		)
	}
	tab.show(t)
	return nil
}

func agentDocument(a *lftv1.Agent) agentJSON {
	labels := a.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	return agentJSON{
		UID:       a.GetUid(),
		Name:      a.GetName(),
		State:     a.GetState(),
		Reason:    word(a.GetReason()),
		Draining:  a.GetDraining(),
		Slots:     a.GetSlots(),
		Used:      a.GetUsed(),
		Labels:    labels,
		Isolation: word(a.GetIsolation()),
		Version:   word(a.GetVersion()),
		LastSeen:  instant(a.GetLastSeen()),
	}
}

func labelList(labels map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, k+"="+labels[k])
	}
	return strings.Join(parts, ",")
}

type masterJSON struct {
	Leader *string `json:"leader"`
	Epoch  int64   `json:"epoch"`
	Since  *string `json:"since"`
}

// Master shows who acts.
func Master(t *Terminal, m *lftv1.GetMasterResponse, asJSON bool) error {
	if asJSON {
		return t.JSON(masterJSON{Leader: word(m.GetLeader()), Epoch: m.GetEpoch(), Since: instant(m.GetSince())})
	}
	if m.GetLeader() == "" {
		t.Printf("no master acts; the last one had epoch %d\n", m.GetEpoch())
		return nil
	}
	t.Printf("%s acts as master in epoch %d since %s\n", m.GetLeader(), m.GetEpoch(), clockTime(m.GetSince()))
	return nil
}
