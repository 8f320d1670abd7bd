package server

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/record"
)

// stamp is a time on the wire; one that has not come is absent.
func stamp(t record.Time) *timestamppb.Timestamp {
	if t == 0 {
		return nil
	}
	return timestamppb.New(time.UnixMicro(int64(t)))
}

func executionMessage(e *record.Execution, schedule string) *lftv1.Execution {
	return &lftv1.Execution{
		Id:              e.ID,
		Project:         e.Project,
		Flow:            e.Flow,
		State:           string(e.State),
		Origin:          string(e.Origin),
		Reason:          string(e.Reason),
		Revision:        e.Revision,
		ScheduledFor:    stamp(e.ScheduledFor),
		Zone:            e.Zone,
		CreatedAt:       stamp(e.CreatedAt),
		StartedAt:       stamp(e.StartedAt),
		EndedAt:         stamp(e.EndedAt),
		CancelRequested: e.CancelRequested,
		CancelBy:        e.CancelBy,
		By:              e.By,
		Params:          string(e.Params),
		Schedule:        schedule,
		Parent:          e.Parent,
		ParentAttempt:   e.ParentN,
	}
}

func jobMessage(j *record.Job, attempts []*lftv1.Attempt) *lftv1.Job {
	return &lftv1.Job{
		Name:       j.Name,
		State:      string(j.State),
		Waiting:    string(j.Waiting),
		WaitingArg: j.WaitingArg,
		Reason:     string(j.Reason),
		Message:    j.Message,
		Output:     string(j.Output),
		NextAt:     stamp(j.NextAt),
		StartedAt:  stamp(j.StartedAt),
		EndedAt:    stamp(j.EndedAt),
		Attempts:   attempts,
	}
}

func attemptMessage(a *record.Attempt, end *record.LogEnd) *lftv1.Attempt {
	m := &lftv1.Attempt{
		Number:    a.N,
		State:     string(a.State),
		Outcome:   string(a.Outcome),
		Signal:    a.Signal,
		Reason:    string(a.Reason),
		Message:   a.Message,
		Agent:     a.Agent,
		OrderedAt: stamp(a.OrderedAt),
		StartedAt: stamp(a.StartedAt),
		EndedAt:   stamp(a.EndedAt),
		Child:     a.Child(),
	}
	if a.HasExit {
		m.ExitCode = &a.ExitCode
	}
	if end != nil {
		m.LogBytes, m.LogState = end.Bytes, string(end.State)
	}
	return m
}

func agentMessage(a *record.Agent, used int32) *lftv1.Agent {
	return &lftv1.Agent{
		Uid:       a.UID,
		Name:      a.Name,
		State:     string(a.State),
		Reason:    string(a.Reason),
		Draining:  a.Draining,
		Slots:     a.Slots,
		Used:      used,
		Labels:    a.Labels,
		Isolation: a.Isolation,
		Version:   a.Version,
		LastSeen:  stamp(a.LastSeen),
	}
}

func fireMessage(f *record.Fire) *lftv1.Fire {
	return &lftv1.Fire{
		Schedule:  f.Schedule,
		Instant:   stamp(f.Instant),
		Decision:  string(f.Decision),
		Reason:    string(f.Reason),
		Execution: f.Execution,
		DecidedAt: stamp(f.DecidedAt),
	}
}

func rangeMessage(r *record.FireRange) *lftv1.Fire {
	return &lftv1.Fire{
		Schedule:  r.Schedule,
		Decision:  string(record.Skipped),
		Reason:    string(r.Reason),
		From:      stamp(r.From),
		To:        stamp(r.To),
		Count:     r.Count,
		DecidedAt: stamp(r.DecidedAt),
	}
}

func projectMessage(p *record.Project) *lftv1.Project {
	return &lftv1.Project{Uid: p.UID, Name: p.Name, Lineage: p.Lineage, Origin: p.Origin, Revision: p.Revision}
}

func objectMessage(o *record.Object) *lftv1.Object {
	return &lftv1.Object{Uid: o.UID, Kind: o.Kind, Address: o.Address, Digest: o.Digest, Version: o.From}
}

func revisionMessage(r *record.Revision, project string) *lftv1.Revision {
	return &lftv1.Revision{
		Number:        r.Number,
		ApplyId:       r.ApplyID,
		Author:        r.Author,
		Message:       r.Message,
		Digest:        r.Digest,
		Added:         int32(r.Added),
		Changed:       int32(r.Changed),
		Destroyed:     int32(r.Destroyed),
		EffectiveFrom: stamp(r.EffectiveFrom),
		Project:       project,
	}
}
