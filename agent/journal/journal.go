package journal

import (
	"errors"

	"github.com/leifengta/lft/agent/brain"
)

// ErrBroken says that an earlier write or fsync failed.
var ErrBroken = errors.New("the journal is broken by a failed write")

// Journal is an open journal. It is not safe for concurrent use.
type Journal struct{}

// Open opens the journal at path, making it when there is none, and returns the
// records it holds.
func Open(path string) (*Journal, []brain.Record, error) { return nil, nil, ErrBroken }
