package server

import (
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
)

// The second half of the converter: what agents and the master tell each other.

func agentRow(m *lftv1.RegisterRequest) record.Agent {
	id := m.GetIdentity()
	return record.Agent{
		UID:        id.GetUid(),
		Name:       id.GetName(),
		MachineID:  id.GetMachineId(),
		BootID:     id.GetBootId(),
		Namespace:  id.GetNamespace(),
		JournalID:  id.GetJournalId(),
		JournalSeq: id.GetJournalSeq(),
		Slots:      m.GetSlots(),
		Labels:     m.GetLabels(),
		Isolation:  m.GetIsolation(),
		Version:    m.GetVersion(),
	}
}

// upMessage keeps the agent's own clock in all times; the master's session
// brings them onto the database's.
func upMessage(m *lftv1.SessionRequest) master.Up {
	up := master.Up{SentAt: m.GetSentAt(), Reconciled: m.GetReconciled(), Draining: m.GetDraining()}
	for _, t := range m.GetReconcile() {
		up.Tokens = append(up.Tokens, kernel.TokenState{Token: t.GetToken(), Started: t.GetStarted()})
	}
	for _, r := range m.GetReports() {
		up.Reports = append(up.Reports, reportOf(r))
	}
	for _, c := range m.GetChunks() {
		up.Chunks = append(up.Chunks, record.Chunk{
			Token:        c.GetToken(),
			From:         c.GetFrom(),
			To:           c.GetTo(),
			Object:       c.GetObject(),
			ObjectOffset: c.GetObjectOffset(),
			SHA256:       c.GetSha256(),
		})
	}
	for _, t := range m.GetTail() {
		up.Tails = append(up.Tails, master.Tail{
			ID: t.GetRequest(), From: t.GetFrom(), Data: t.GetData(), EOF: t.GetEof(), Error: t.GetError(),
		})
	}
	return up
}

func reportOf(m *lftv1.Report) kernel.Report {
	r := kernel.Report{
		Token:     m.GetToken(),
		Ended:     m.GetEnded(),
		StartedAt: record.Time(m.GetStartedAt()),
		EndedAt:   record.Time(m.GetEndedAt()),
		Outcome:   record.Outcome(m.GetOutcome()),
		HasExit:   m.GetHasExit(),
		ExitCode:  m.GetExitCode(),
		Signal:    m.GetSignal(),
		Reason:    record.Reason(m.GetReason()),
		Message:   m.GetMessage(),
		Output:    m.GetOutput(),
	}
	if end := m.GetLog(); end != nil {
		r.Log = &record.LogEnd{
			Token:  m.GetToken(),
			Bytes:  end.GetBytes(),
			SHA256: end.GetSha256(),
			State:  record.LogState(end.GetState()),
			Cut:    end.GetCut(),
		}
	}
	return r
}

func downMessage(d *master.Down) *lftv1.SessionResponse {
	m := &lftv1.SessionResponse{Epoch: d.Epoch, Beat: d.Beat, Echo: d.Echo}
	for _, o := range d.Orders {
		m.Orders = append(m.Orders, &lftv1.Order{
			Token: o.Token, Execution: o.Execution, Flow: o.Flow, Job: o.Job, Attempt: o.N, Task: o.Task,
		})
	}
	for _, k := range d.Kills {
		m.Kills = append(m.Kills, &lftv1.Kill{Token: k.Token, Why: string(k.Why)})
	}
	for _, a := range d.Acks {
		m.Acks = append(m.Acks, &lftv1.Ack{Token: a.Token, Ended: a.Ended, Chunks: a.Chunks})
	}
	for _, t := range d.Tails {
		m.Tails = append(m.Tails, &lftv1.Tail{Request: t.ID, Token: t.Token, From: t.From, Max: int32(t.Max)})
	}
	return m
}
