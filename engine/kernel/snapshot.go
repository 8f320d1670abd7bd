package kernel

import "github.com/leifengta/lft/engine/record"

// Snapshot is what a State is restored from.
type Snapshot struct {
	Live record.Live
	// Graphs holds the graph of each live execution's flow, by FlowDigest.
	Graphs map[string]*Graph
	// Projects are the revisions named by Live.Adopted, compiled.
	Projects []Adopt
}
