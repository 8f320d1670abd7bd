package record

// The rows below belong to engine/deploy: they change only by apply, in any
// process. The kernel reads them and never writes them.

// Project is the head of a project: the one row apply compares and sets.
type Project struct {
	UID           string
	Name          string
	Lineage       string // minted by the folder that owns it
	Origin        string // where that folder was, for the message of a clash
	Revision      int64  // newest
	EffectiveFrom Time   // of that revision
}

// Revision is one apply. ApplyID is made by the client, so that a doubtful
// commit can be asked about and a repeat is recognised.
type Revision struct {
	ProjectUID    string
	Number        int64
	ApplyID       string
	Author        string
	Message       string
	Digest        string // over all objects of the revision
	Added         int
	Changed       int
	Destroyed     int
	EffectiveFrom Time
}

// Object is a declared object as deployed from revision From on, until Until
// (0 = still). UID never changes while the object lives; Address may.
type Object struct {
	ProjectUID string
	UID        string
	Kind       string // flow, schedule, pool
	Address    string
	Digest     string // of its spec
	From       int64
	Until      int64
}

// Spec is canonical JSON by digest.
type Spec struct {
	Digest string
	Data   []byte
}
