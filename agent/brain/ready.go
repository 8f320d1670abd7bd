package brain

// Ready is all that follows from the events stepped since the last one. Records
// are appended to the journal, in order, before anything else in it is done;
// with Sync they must also be fsynced, which the shell answers by Durable.
type Ready struct {
	Serial  uint64
	Records []Record
	Sync    bool

	// Link with a master. Register asks for a new session, to be answered by
	// Registered once; Hangup closes the stream of that session, to be answered
	// by Disconnected.
	Register bool
	Hangup   int64
	Why      string // why Hangup, for the log
	Up       *Up    // at most one is on its way; Sent asks for the next

	// For the keeper, in this order.
	Dial    bool // connect to a keeper, starting one if none answers
	Alive   *Alive
	Starts  []Start
	Kills   []Kill
	Forgets []string

	Fetch []Start  // orders that are held: their Fetched is waited for
	Ended []string // tokens of which nothing runs from here on

	Sweep []string // their keeper died: end every process that carries them
	Freed []Freed  // log bytes that are durable elsewhere
}

// Alive is proof that a master acted: its (Epoch, Beat) advanced, and was told in
// answer to a message that left at SentAt. Isolation counts from then.
type Alive struct {
	Epoch, Beat int64
	SentAt      Time
}

// Start is a token to hand to the keeper.
type Start struct {
	Token string
	Task  []byte
}

// Freed tells that the log of Token is durable up to To.
type Freed struct {
	Token string
	To    int64
}

// Up is one message to the master.
type Up struct {
	Session   int64
	SentAt    Time
	Hello     bool // first of the session: Reconcile is complete
	Reconcile []TokenState
	Reports   []Report
	Chunks    []TokenChunk
	Draining  bool
}

// TokenState is what the agent knows about a token it still answers for.
type TokenState struct {
	Token   string
	Started bool
}

// Report is news about one attempt; without a Result it has started.
type Report struct {
	Token     string
	StartedAt Time
	Result    *Result
}

// TokenChunk is a manifest row with the token it belongs to.
type TokenChunk struct {
	Token string
	Chunk Chunk
}
