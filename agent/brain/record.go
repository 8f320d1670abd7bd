package brain

// Time is microseconds on the agent host's boot-time clock.
type Time int64

// Durations of that clock.
const (
	Millisecond Time = 1000
	Second      Time = 1000 * Millisecond
)

// Record is one fact for the journal. The set is closed.
type Record interface{ record() }

// Ordered says that a token has been accepted. It must be durable before the
// keeper hears of the token. A later one of the same token moves it to the
// keeper that is current then.
type Ordered struct {
	Token string
	Task  []byte // as the master sent it; nil when only the keeper knew the token
}

// Ended keeps a result until the master has it.
type Ended struct {
	Token  string
	Result Result
}

// Shipped keeps a manifest row until the master has it.
type Shipped struct {
	Token string
	Chunk Chunk
}

// Stored stands for manifest rows that the master has: all log bytes before To.
type Stored struct {
	Token string
	To    int64
}

// Settled says that the master has acknowledged everything about a token.
type Settled struct {
	Token string
}

// Obeyed is the highest epoch the agent has seen. It must be durable before
// anything of that epoch is done.
type Obeyed struct {
	Epoch int64
}

// Kept names the keeper, and the boot of the host it lives in, that all tokens
// ordered from here on are handed to. It must be durable before they are.
type Kept struct {
	Keeper string
	Boot   string
}

func (Ordered) record() {}
func (Ended) record()   {}
func (Shipped) record() {}
func (Stored) record()  {}
func (Settled) record() {}
func (Obeyed) record()  {}
func (Kept) record()    {}

// Result is how an attempt ended, in the words of the API.
type Result struct {
	StartedAt Time // 0 = it never started, or nobody knows
	EndedAt   Time
	Outcome   string
	HasExit   bool
	ExitCode  int32
	Signal    string
	Reason    string
	Message   string
	Output    []byte // a JSON object, or nil
	Log       Log
}

// Log is how much an attempt wrote in all.
type Log struct {
	Bytes  int64 // bytes kept
	SHA256 string
	State  string
	Cut    int64 // bytes discarded
}

// Chunk is a manifest row: bytes [From, To) of a log lie in Object.
type Chunk struct {
	From, To     int64
	Object       string
	ObjectOffset int64
	SHA256       string
}

// Outcomes and reasons the brain itself hands out; the words are record.Outcome
// and record.Reason.
const (
	outcomeLost      = "lost"
	outcomeCancelled = "cancelled"
	reasonKeeperLost = "keeper_lost"
	reasonRestarted  = "host_restarted"
	reasonCancelled  = "cancelled"
	logLost          = "agent_lost"
	logEOF           = "eof"
)
