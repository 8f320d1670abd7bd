package kernel

import "github.com/leifengta/lft/engine/record"

// Snapshot is what a State is restored from.
type Snapshot struct {
	Live record.Live
	// Graphs holds the graph of each live execution's flow, by FlowDigest.
	Graphs map[string]*Graph
	// Projects are the revisions named by Live.Adopted, compiled.
	Projects []Adopt
	// ReconcileAll holds every dispatch and fire until each known agent has
	// named its tokens: the database has been restored from an older copy.
	ReconcileAll bool
}
