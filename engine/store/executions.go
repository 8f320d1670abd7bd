package store

import (
	"cmp"
	"context"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// The tables of executions, jobs and attempts. live_execution, which lists the
// ids of those that have not ended, is kept by Commit.

var executionTable = table[record.Execution]{
	name: "execution",
	key:  1,
	columns: strings.Fields(`id project_uid project flow_uid flow flow_digest revision state origin schedule_uid
		scheduled_for zone window_start window_end params cancel_requested cancel_by reason asked_by
		created_at started_at ended_at parent parent_number parent_map_key parent_n depth`),
	values: func(args []any, r *record.Execution) []any {
		return append(args, r.ID, r.ProjectUID, text(r.Project), r.FlowUID, text(r.Flow), r.FlowDigest, r.Revision,
			string(r.State), string(r.Origin), r.ScheduleUID, int64(r.ScheduledFor), text(r.Zone),
			int64(r.WindowStart), int64(r.WindowEnd), data(r.Params), r.CancelRequested, text(r.CancelBy),
			string(r.Reason), text(r.By), int64(r.CreatedAt), int64(r.StartedAt), int64(r.EndedAt),
			r.Parent, int64(r.ParentNumber), text(r.ParentMapKey), int64(r.ParentN), int64(r.Depth))
	},
	fields: func(r *record.Execution) []any {
		return []any{
			&r.ID, &r.ProjectUID, &r.Project, &r.FlowUID, &r.Flow, &r.FlowDigest, &r.Revision,
			(*string)(&r.State), (*string)(&r.Origin), &r.ScheduleUID, (*int64)(&r.ScheduledFor), &r.Zone,
			(*int64)(&r.WindowStart), (*int64)(&r.WindowEnd), (*[]byte)(&r.Params), &r.CancelRequested, &r.CancelBy,
			(*string)(&r.Reason), &r.By, (*int64)(&r.CreatedAt), (*int64)(&r.StartedAt), (*int64)(&r.EndedAt),
			&r.Parent, &r.ParentNumber, &r.ParentMapKey, &r.ParentN, &r.Depth,
		}
	},
	compare: func(a, b record.Execution) int { return cmp.Compare(a.ID, b.ID) },
}

var jobTable = table[record.Job]{
	name: "job",
	key:  3,
	columns: strings.Fields(`execution number map_key name state waiting waiting_arg attempts failures lost next_at
		output reason message started_at ended_at`),
	values: func(args []any, r *record.Job) []any {
		return append(args, r.Execution, int64(r.Number), text(r.MapKey), text(r.Name), string(r.State),
			string(r.Waiting), text(r.WaitingArg), int64(r.Attempts), int64(r.Failures), int64(r.Lost),
			int64(r.NextAt), data(r.Output), string(r.Reason), text(r.Message), int64(r.StartedAt), int64(r.EndedAt))
	},
	fields: func(r *record.Job) []any {
		return []any{
			&r.Execution, &r.Number, &r.MapKey, &r.Name, (*string)(&r.State),
			(*string)(&r.Waiting), &r.WaitingArg, &r.Attempts, &r.Failures, &r.Lost,
			(*int64)(&r.NextAt), (*[]byte)(&r.Output), (*string)(&r.Reason), &r.Message,
			(*int64)(&r.StartedAt), (*int64)(&r.EndedAt),
		}
	},
	compare: func(a, b record.Job) int {
		return cmp.Or(cmp.Compare(a.Execution, b.Execution), cmp.Compare(a.Number, b.Number), cmp.Compare(a.MapKey, b.MapKey))
	},
}

var attemptTable = table[record.Attempt]{
	name: "attempt",
	key:  4,
	columns: strings.Fields(`execution number map_key n token state outcome exit_code has_exit signal_name reason
		message agent_uid agent session pool_uid pool_slots task kill_wanted ordered_at started_at ended_at`),
	values: func(args []any, r *record.Attempt) []any {
		return append(args, r.Execution, int64(r.Number), text(r.MapKey), int64(r.N), r.Token, string(r.State),
			string(r.Outcome), int64(r.ExitCode), r.HasExit, text(r.Signal), string(r.Reason), text(r.Message),
			r.AgentUID, text(r.Agent), r.Session, r.PoolUID, int64(r.PoolSlots), data(r.Task), r.KillWanted,
			int64(r.OrderedAt), int64(r.StartedAt), int64(r.EndedAt))
	},
	fields: func(r *record.Attempt) []any {
		return []any{
			&r.Execution, &r.Number, &r.MapKey, &r.N, &r.Token, (*string)(&r.State),
			(*string)(&r.Outcome), &r.ExitCode, &r.HasExit, &r.Signal, (*string)(&r.Reason), &r.Message,
			&r.AgentUID, &r.Agent, &r.Session, &r.PoolUID, &r.PoolSlots, &r.Task, &r.KillWanted,
			(*int64)(&r.OrderedAt), (*int64)(&r.StartedAt), (*int64)(&r.EndedAt),
		}
	},
	compare: func(a, b record.Attempt) int {
		return cmp.Or(cmp.Compare(a.Execution, b.Execution), cmp.Compare(a.Number, b.Number),
			cmp.Compare(a.MapKey, b.MapKey), cmp.Compare(a.N, b.N))
	},
}

// Execution is one execution, live or ended. Read it before its jobs, and those
// before their attempts: what is read later is never older.
func (s *Store) Execution(ctx context.Context, id string) (record.Execution, bool, error) {
	if !plainID(id) {
		return record.Execution{}, false, nil
	}
	return executionTable.first(ctx, s.read, " WHERE t.id=?", id)
}

// ExecutionPage asks for executions, newest first.
type ExecutionPage struct {
	Project string      // name, "" = all
	FlowUID string      // "" = all
	Flow    string      // address at that time, whatever the uid, "" = all
	Before  record.Time // CreatedAt of the last one of the page before, 0 = from the newest
	ID      string      // and its ID
	Limit   int
}

// Executions reads one page.
func (s *Store) Executions(ctx context.Context, p ExecutionPage) ([]record.Execution, error) {
	var c conditions
	if p.FlowUID != "" {
		c.add("t.flow_uid=?", p.FlowUID)
	}
	if p.Flow != "" {
		c.add("t.flow=?", p.Flow)
	}
	if p.Project != "" {
		c.add("t.project=?", p.Project)
	}
	if p.Before != 0 {
		c.add("t.created_at<=?", int64(p.Before))
		c.add("(t.created_at<? OR t.id<?)", int64(p.Before), p.ID)
	}
	return executionTable.where(ctx, s.read, c.String()+" ORDER BY t.created_at DESC,t.id DESC LIMIT ?",
		append(c.args, p.Limit)...)
}

// LiveExecutions are those of a flow that have not ended, oldest first.
func (s *Store) LiveExecutions(ctx context.Context, flowUID string) ([]record.Execution, error) {
	return s.LiveOf(ctx, map[string]bool{flowUID: true})
}

// Jobs of an execution, by number; only those of some numbers, if any are given.
func (s *Store) Jobs(ctx context.Context, execution string, numbers ...int32) ([]record.Job, error) {
	c := numbered(execution, numbers)
	return jobTable.where(ctx, s.read, c.String()+" ORDER BY t.number,t.map_key", c.args...)
}

// Attempts of an execution, by job and n; only those of jobs of some numbers, if any
// are given. Task is left out.
func (s *Store) Attempts(ctx context.Context, execution string, numbers ...int32) ([]record.Attempt, error) {
	c := numbered(execution, numbers)
	return attemptsWithoutTask.where(ctx, s.read, c.String()+" ORDER BY t.number,t.map_key,t.n", c.args...)
}

func numbered(execution string, numbers []int32) conditions {
	var c conditions
	c.add("t.execution=?", execution)
	if len(numbers) > 0 {
		c.add("t.number IN ("+marks(len(numbers))+")", anys(numbers)...)
	}
	return c
}

// attemptsWithoutTask reads attempts as they are shown: a Task may have 512 KiB.
var attemptsWithoutTask = attemptTable.with("task", "NULL")

// conditions collects the terms of a WHERE.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms, c.args = append(c.terms, term), append(c.args, args...)
}

// String is the WHERE, or nothing without terms.
func (c *conditions) String() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// plainID tells ids from what people may type in their place: the columns are
// ASCII, and a comparison with anything else is an error there.
func plainID(id string) bool {
	for i := range len(id) {
		if id[i] >= 0x80 {
			return false
		}
	}
	return id != "" && len(id) <= record.MaxID
}
