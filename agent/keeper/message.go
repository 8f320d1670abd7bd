package keeper

import "time"

// Limits of one attempt and of one keeper.
const (
	DefaultLogCap = 10 << 30 // bytes of one log; what follows is cut
	SpoolQuota    = 20 << 30 // bytes of all spool files; then readers wait
	MaxOutput     = 64 << 10 // bytes of the file at LFT_OUTPUT
	maxFrame      = 64 << 20 // bytes of one message
)

// Start asks for the process of one attempt. A token that the keeper knows is
// not started again.
type Start struct {
	Token      string        `json:"token"`
	Argv       []string      `json:"argv"`
	Env        []string      `json:"env,omitempty"` // NAME=value; the keeper adds what only it knows
	Files      []File        `json:"files,omitempty"`
	Links      []Link        `json:"links,omitempty"`
	Stdin      []byte        `json:"stdin,omitempty"` // nil = /dev/null
	Timeout    time.Duration `json:"timeout,omitempty"`
	KillGrace  time.Duration `json:"kill_grace,omitempty"`
	RerunAfter time.Duration `json:"rerun_after,omitempty"` // killed when no master advanced for so long
	LogCap     int64         `json:"log_cap,omitempty"`     // 0 = DefaultLogCap
}

// File is made in the work directory before the start.
type File struct {
	Name string `json:"name"` // a local path
	Mode uint32 `json:"mode"` // permission bits
	Data []byte `json:"data"`
}

// Link is made in the work directory before the start.
type Link struct {
	Name   string `json:"name"`   // a local path
	Target string `json:"target"` // absolute
}

// Event is what the keeper tells: Started, Grown, Ended or, made by the client,
// Gone.
type Event interface{ event() }

// Started says that the process of an attempt runs.
type Started struct {
	Token string `json:"token"`
	PID   int    `json:"pid"`
	At    int64  `json:"at"`
}

// Grown says that an attempt has written its first byte: there is a spool file.
type Grown struct {
	Token string `json:"token"`
}

// Cause is why the keeper ended an attempt.
type Cause string

// The causes. CauseNone means that the process ended by itself.
const (
	CauseNone      Cause = ""
	CauseCancelled Cause = "cancelled" // Kill, or the keeper was stopped
	CauseTimeout   Cause = "timeout"
	CauseIsolated  Cause = "isolated" // no master advanced for RerunAfter
)

// Ended is the exit record of an attempt: nothing of it runs any more.
type Ended struct {
	Token     string `json:"token"`
	StartedAt int64  `json:"started_at,omitempty"` // 0 = it never ran
	At        int64  `json:"at"`
	Refused   string `json:"refused,omitempty"` // why it could not be started
	ExitCode  int    `json:"exit_code"`
	Signal    string `json:"signal,omitempty"` // name when a signal ended the main process
	Cause     Cause  `json:"cause,omitempty"`
	Why       string `json:"why,omitempty"`        // given with Kill
	Leftover  int    `json:"leftover,omitempty"`   // descendants found after the main process had gone
	Output    []byte `json:"output"`               // content of LFT_OUTPUT, nil = none
	BadOutput string `json:"bad_output,omitempty"` // why Output could not be read
	Log       Log    `json:"log"`
}

// Log says how much an attempt wrote.
type Log struct {
	Bytes  int64  `json:"bytes"`            // kept in the spool
	SHA256 string `json:"sha256,omitempty"` // of these, in hex; "" when there are none
	Cut    int64  `json:"cut,omitempty"`    // discarded
}

// Gone says that the connection is lost. It is the last event.
type Gone struct{ Err error }

// refused says why the keeper stays what it is. Dial takes it.
type refused struct{ why string }

func (Started) event() {}
func (Grown) event()   {}
func (Ended) event()   {}
func (Gone) event()    {}
func (refused) event() {}

// Attempt is what the keeper knows of a token.
type Attempt struct {
	Token   string   `json:"token"`
	Started *Started `json:"started,omitempty"` // nil while it waits for its turn to fork
	Ended   *Ended   `json:"ended,omitempty"`
	Log     int64    `json:"log"`   // bytes in the spool so far
	Freed   int64    `json:"freed"` // of these, given back
}

// Hello is the first message of a keeper.
type Hello struct {
	Keeper    string    `json:"keeper"` // its life; another one knows nothing of this one's jobs
	PID       int       `json:"pid"`
	Build     string    `json:"build"`     // version of its program; "" = one that knows no upgrade
	Isolation string    `json:"isolation"` // cgroup | sweep
	Attempts  []Attempt `json:"attempts"`
}
