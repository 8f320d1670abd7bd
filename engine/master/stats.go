package master

import (
	"sync/atomic"
	"time"

	"github.com/leifengta/lft/engine/record"
)

// Stats counts what a Master has done since it was made.
type Stats struct {
	Commits   int64         // batches that became durable
	Rows      int64         // in them
	Jobs      int64         // job rows in them
	Committed time.Duration // spent waiting for commits
	Reloads   int64         // times the live set was read
	Restored  time.Duration // spent on the last of them
	Moved     int64         // batches decided again because a revision moved
	Unknown   int64         // commits whose answer was lost
	Defects   int64         // panics and refused rows
}

type counters struct {
	commits, rows, jobs, waited atomic.Int64
	reloads, restored           atomic.Int64
	moved, unknown, defects     atomic.Int64
}

func (c *counters) committed(rows *record.Batch, took time.Duration) {
	c.commits.Add(1)
	c.rows.Add(int64(rowCount(rows)))
	c.jobs.Add(int64(len(rows.Jobs)))
	c.waited.Add(int64(took))
}

// Stats returns the counters.
func (m *Master) Stats() Stats {
	c := &m.stats
	return Stats{
		Commits: c.commits.Load(), Rows: c.rows.Load(), Jobs: c.jobs.Load(),
		Committed: time.Duration(c.waited.Load()),
		Reloads:   c.reloads.Load(), Restored: time.Duration(c.restored.Load()),
		Moved: c.moved.Load(), Unknown: c.unknown.Load(), Defects: c.defects.Load(),
	}
}
