package store

import (
	"context"

	"github.com/leifengta/lft/engine/record"
)

// Execution is one execution, live or ended. Read it before its jobs, and those
// before their attempts: what is read later is never older.
func (s *Store) Execution(ctx context.Context, id string) (record.Execution, bool, error) {
	return record.Execution{}, false, errUnbuilt
}

// ExecutionPage asks for executions, newest first.
type ExecutionPage struct {
	Project string      // name, "" = all
	Flow    string      // address, "" = all
	Before  record.Time // CreatedAt of the last one of the page before, 0 = from the newest
	ID      string      // and its ID
	Limit   int
}

// Executions reads one page.
func (s *Store) Executions(ctx context.Context, p ExecutionPage) ([]record.Execution, error) {
	return nil, errUnbuilt
}

// LiveExecutions are those of a flow that have not ended, oldest first.
func (s *Store) LiveExecutions(ctx context.Context, flowUID string) ([]record.Execution, error) {
	return nil, errUnbuilt
}

// Jobs of an execution, by number.
func (s *Store) Jobs(ctx context.Context, execution string) ([]record.Job, error) {
	return nil, errUnbuilt
}

// Attempts of an execution, by job and n. Task is left out.
func (s *Store) Attempts(ctx context.Context, execution string) ([]record.Attempt, error) {
	return nil, errUnbuilt
}

// LogEnds of an execution's attempts, by token.
func (s *Store) LogEnds(ctx context.Context, execution string) (map[string]record.LogEnd, error) {
	return nil, errUnbuilt
}

// LogEnd of one attempt.
func (s *Store) LogEnd(ctx context.Context, token string) (record.LogEnd, bool, error) {
	return record.LogEnd{}, false, errUnbuilt
}

// Chunks of an attempt's log that hold bytes at from or after, in order, at most
// limit.
func (s *Store) Chunks(ctx context.Context, token string, from int64, limit int) ([]record.Chunk, error) {
	return nil, errUnbuilt
}

// FirePage asks for decisions of a schedule, newest first. One of ScheduleUID and
// Schedule is set; by address it finds what was decided under that address,
// whatever the uid.
type FirePage struct {
	ScheduleUID string
	Schedule    string
	Before      record.Time // Key of the last row of the page before, 0 = from the newest
	Limit       int
}

// Decided is a decided instant or a range of skipped ones; one of them is set.
type Decided struct {
	Fire  *record.Fire
	Range *record.FireRange
}

// Key is what the next page begins before.
func (d Decided) Key() record.Time {
	if d.Fire != nil {
		return d.Fire.Instant
	}
	return d.Range.From
}

// Fires reads one page.
func (s *Store) Fires(ctx context.Context, p FirePage) ([]Decided, error) { return nil, errUnbuilt }

// Agents are all known ones, by name.
func (s *Store) Agents(ctx context.Context) ([]record.Agent, error) { return nil, errUnbuilt }

// AgentUse is the number of live attempts by agent uid.
func (s *Store) AgentUse(ctx context.Context) (map[string]int32, error) { return nil, errUnbuilt }

// PoolUse is the number of slots that live attempts hold by pool uid.
func (s *Store) PoolUse(ctx context.Context) (map[string]int32, error) { return nil, errUnbuilt }

// Audits are the newest first, before a time and an id (0 and "" = from the newest).
func (s *Store) Audits(ctx context.Context, before record.Time, id string, limit int) ([]record.Audit, error) {
	return nil, errUnbuilt
}

// Now is the database's clock.
func (s *Store) Now(ctx context.Context) (record.Time, error) { return 0, errUnbuilt }
