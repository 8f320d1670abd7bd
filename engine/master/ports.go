package master

import (
	"context"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// Book is the running half of the state. Its errors speak the words of package
// lease.
type Book interface {
	// Load reads the live set for the holder of epoch.
	Load(ctx context.Context, epoch int64) (record.Live, error)
	// Commit writes one batch in one fenced transaction and notes (epoch,
	// serial) in it.
	Commit(ctx context.Context, epoch int64, serial uint64, b *record.Batch) error
	// LastBatch returns the serial noted last by an epoch, 0 when it noted none.
	LastBatch(ctx context.Context, epoch int64) (uint64, error)
	// Execution finds an execution that may have left memory.
	Execution(ctx context.Context, id string) (record.Execution, bool, error)
}

// Definitions is what apply has written.
type Definitions interface {
	Projects(ctx context.Context) ([]record.Project, error)
	// Revisions lists those below before (0 = all), newest first.
	Revisions(ctx context.Context, projectUID string, before int64, limit int) ([]record.Revision, error)
	Objects(ctx context.Context, projectUID string, revision int64) ([]record.Object, error)
	// Versions lists all versions of some objects, by uid and revision.
	Versions(ctx context.Context, projectUID string, uids []string) ([]record.Object, error)
	Specs(ctx context.Context, digests []string) (map[string][]byte, error)
}

// Generator evaluates an attempt's expressions and makes its task. Prepare
// never fails: what goes wrong is in the answer.
type Generator interface {
	Prepare(ctx context.Context, p kernel.Prepare) kernel.Prepared
	// Quick reports whether Prepare needs no I/O.
	Quick(p kernel.Prepare) bool
}

// Term is one stretch of holding the lease.
type Term interface {
	Clock
	Epoch() int64
	Beat() int64
	// Trust reports whether the lease was renewed lately enough to speak for it.
	Trust() bool
	// Rebump takes a new epoch above floor. When it returns, no transaction of
	// the old epoch is in doubt any more.
	Rebump(ctx context.Context, floor int64) error
}

// Clock is the database's.
type Clock interface {
	// Now is the time in µs, extrapolated, never going back.
	Now() int64
	// Jump is not 0 while nobody knows whether that is the time.
	Jump() time.Duration
}

// state is the kernel as the loop uses it; tests plant faults behind it.
type state interface {
	Step(at record.Time, ev kernel.Event) error
	Prepares() []kernel.Prepare
	Ready() (kernel.Ready, bool)
	Advance(serial uint64)
	NextWake() record.Time
}
