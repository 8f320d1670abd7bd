package brain

// Event is something that happened. The set is closed.
type Event interface{ event() }

// Tick says that time has passed, nothing else.
type Tick struct{}

// Durable says that all records up to that serial of Ready are on disk.
type Durable struct{ Serial uint64 }

// Broken says that the journal can be trusted no longer: a write or an fsync has
// failed. Nothing is taken in from here on; what runs is seen to its end.
type Broken struct{}

// KeeperUp says that a keeper answers and what it holds. The shell promises that
// nothing sent to that keeper before can still arrive there: a token it does not
// hold it has never started.
type KeeperUp struct {
	Keeper string // names this life of a keeper, never used twice
	Boot   string // of the host
	Held   []Held
}

// Held is a token a keeper knows.
type Held struct {
	Token     string
	StartedAt Time
	Result    *Result // nil while it runs
}

// KeeperGone says that the connection to the keeper is lost. Whether the keeper
// died is told by the next KeeperUp.
type KeeperGone struct{}

// Started says that the keeper has forked the token's process.
type Started struct {
	Token string
	At    Time
}

// Finished says that an attempt has ended and nothing of its process tree lives.
type Finished struct {
	Token  string
	Result Result
}

// Swept answers Ready.Sweep: no process carries these tokens any more.
type Swept struct{ List []Remains }

// Remains is what is left of an attempt whose keeper died.
type Remains struct {
	Token string
	Log   Log // what its spool holds
}

// Uploaded says that a part of a token's log lies in the bucket.
type Uploaded struct {
	Token string
	Chunk Chunk
}

// LogGone says that what a token's log still holds beside the bucket is gone: its
// spool file was removed by somebody else.
type LogGone struct{ Token string }

// Registered answers Ready.Register.
type Registered struct {
	Session     int64
	Epoch, Beat int64
}

// Message is what a master says in a session.
type Message struct {
	Session     int64
	Epoch, Beat int64
	Echo        Time // SentAt of the Up it answers, 0 = none
	Orders      []Order
	Kills       []Kill
	Acks        []Ack
}

// Order tells to start an attempt. One that Needs something on this host first is
// held until that is there.
type Order struct {
	Token string
	Task  []byte
	Needs bool
}

// Fetched says that what a held order needs is there, or with Refused, that it
// never will be. It may come at any time, also when nobody asks any more.
type Fetched struct {
	Token   string
	Refused *Result
}

// Kill tells to end an attempt.
type Kill struct {
	Token string
	Why   string
}

// Ack says what a master has made durable about a token.
type Ack struct {
	Token  string
	Ended  bool
	Chunks int64 // first byte of the log that is not durable, -1 = unchanged
}

// Sent says that the last Up has left; the next may follow.
type Sent struct{ Session int64 }

// Disconnected says that the session's stream has ended. Nothing of that session
// arrives after it.
type Disconnected struct{ Session int64 }

// Drain says that the agent is about to stop: no more orders, please.
type Drain struct{}

func (Tick) event()         {}
func (Durable) event()      {}
func (Broken) event()       {}
func (KeeperUp) event()     {}
func (KeeperGone) event()   {}
func (Started) event()      {}
func (Finished) event()     {}
func (Swept) event()        {}
func (Uploaded) event()     {}
func (LogGone) event()      {}
func (Registered) event()   {}
func (Message) event()      {}
func (Sent) event()         {}
func (Disconnected) event() {}
func (Drain) event()        {}
func (Fetched) event()      {}
