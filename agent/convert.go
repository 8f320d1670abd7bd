package agent

import (
	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/agent/logship"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// This file is the border between the wire and the brain; nothing else knows
// both.

func registerRequest(a *agent, seq, epoch int64, isolation string) *lftv1.RegisterRequest {
	return &lftv1.RegisterRequest{
		Identity: &lftv1.Identity{
			Uid:        a.id.uid,
			Name:       a.c.Name,
			MachineId:  a.id.MachineID,
			BootId:     a.id.BootID,
			Namespace:  a.id.Namespace,
			JournalId:  a.journal.ID(),
			JournalSeq: seq,
		},
		Slots:     int32(a.c.Slots),
		Labels:    a.c.Labels,
		Isolation: isolation,
		Version:   a.c.Version,
		MaxEpoch:  epoch,
	}
}

func sessionRequest(uid string, up *brain.Up) *lftv1.SessionRequest {
	m := &lftv1.SessionRequest{
		Session:    up.Session,
		AgentUid:   uid,
		SentAt:     int64(up.SentAt),
		Reconciled: up.Hello,
		Draining:   up.Draining,
	}
	for _, t := range up.Reconcile {
		m.Reconcile = append(m.Reconcile, &lftv1.TokenState{Token: t.Token, Started: t.Started})
	}
	for _, r := range up.Reports {
		m.Reports = append(m.Reports, report(r))
	}
	for _, c := range up.Chunks {
		m.Chunks = append(m.Chunks, &lftv1.Chunk{
			Token:        c.Token,
			From:         c.Chunk.From,
			To:           c.Chunk.To,
			Object:       c.Chunk.Object,
			ObjectOffset: c.Chunk.ObjectOffset,
			Sha256:       c.Chunk.SHA256,
		})
	}
	return m
}

func report(r brain.Report) *lftv1.Report {
	m := &lftv1.Report{Token: r.Token, StartedAt: int64(r.StartedAt)}
	if res := r.Result; res != nil {
		m.Ended = true
		m.EndedAt = int64(res.EndedAt)
		m.Outcome = res.Outcome
		m.HasExit = res.HasExit
		m.ExitCode = res.ExitCode
		m.Signal = res.Signal
		m.Reason = res.Reason
		m.Message = res.Message
		m.Output = res.Output
		m.Log = &lftv1.LogEnd{
			Bytes:  res.Log.Bytes,
			Sha256: res.Log.SHA256,
			State:  res.Log.State,
			Cut:    res.Log.Cut,
		}
	}
	return m
}

func message(session int64, m *lftv1.SessionResponse) brain.Message {
	out := brain.Message{
		Session: session,
		Epoch:   m.GetEpoch(),
		Beat:    m.GetBeat(),
		Echo:    brain.Time(m.GetEcho()),
	}
	for _, o := range m.GetOrders() {
		out.Orders = append(out.Orders, brain.Order{Token: o.GetToken(), Task: o.GetTask(), Needs: needs(o.GetTask())})
	}
	for _, k := range m.GetKills() {
		out.Kills = append(out.Kills, brain.Kill{Token: k.GetToken(), Why: k.GetWhy()})
	}
	for _, a := range m.GetAcks() {
		out.Acks = append(out.Acks, brain.Ack{Token: a.GetToken(), Ended: a.GetEnded(), Chunks: a.GetChunks()})
	}
	return out
}

func chunk(c logship.Chunk) brain.Chunk {
	return brain.Chunk{From: c.From, To: c.To, Object: c.Object, ObjectOffset: c.ObjectOffset, SHA256: c.SHA256}
}
