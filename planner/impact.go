package planner

import "github.com/leifengta/lft/lang/spec"

// Impact is what a change does to what is scheduled and running, as the engine
// itself works it out. It is part of the plan document. Every list is sorted and
// has at most MaxImpact entries.
type Impact struct {
	Schedules  []ScheduleImpact  `json:"schedules,omitempty"`  // by address
	Executions []ExecutionImpact `json:"executions,omitempty"` // cancelled ones first, then by flow and id
	Pools      []PoolImpact      `json:"pools,omitempty"`      // those too small for what uses them, or gone from under it
	Orphans    []Orphan          `json:"orphans,omitempty"`    // history that no object goes on with
	// Omitted counts the entries beyond MaxImpact.
	Omitted int `json:"omitted,omitempty"`
	// Kinds are the effects a reviewer must have seen, sorted. Apply refuses
	// when one appears that the plan did not show.
	Kinds []Effect `json:"kinds,omitempty"`
}

// MaxImpact bounds each list of an Impact.
const MaxImpact = 200

// Effect is a kind of effect that takes something away from someone, or gives it
// unasked.
type Effect string

// The kinds.
const (
	CancelsQueued  Effect = "cancels_queued"  // executions in a queue end CANCELLED
	FiresMissed    Effect = "fires_missed"    // instants that have passed are run after all
	SkipsMissed    Effect = "skips_missed"    // instants that have passed and would be run are not
	ExceedsPool    Effect = "exceeds_pool"    // a pool holds more than it may by then
	FreesPool      Effect = "frees_pool"      // a pool limits no more what is live and uses it
	OrphansHistory Effect = "orphans_history" // executions belong to no object any more
	EndsOverride   Effect = "ends_override"   // what an operator has set is dropped
)

// Describe completes the sentence "the change …".
func (e Effect) Describe() string {
	switch e {
	case CancelsQueued:
		return "cancels executions that are queued"
	case FiresMissed:
		return "runs instants that have passed"
	case SkipsMissed:
		return "skips instants that have passed and would be run"
	case ExceedsPool:
		return "makes a pool smaller than what uses it"
	case FreesPool:
		return "takes a pool away from what is live and uses it"
	case OrphansHistory:
		return "leaves a history that nothing goes on with"
	case EndsOverride:
		return "ends what an operator has overridden"
	}
	return "has the effect " + string(e)
}

// ScheduleImpact is a schedule whose fires differ.
type ScheduleImpact struct {
	Address  spec.Address `json:"address"`
	Previous spec.Address `json:"previous_address,omitempty"`
	Flow     spec.Address `json:"flow"`
	Timezone string       `json:"timezone"` // after the change, or before it when it goes
	// TimezoneBefore is set when the zone differs.
	TimezoneBefore string `json:"timezone_before,omitempty"`
	// The timetable in words: "at 02:00 every day". "" on the side where it is not,
	// and on both when nothing about the timetable differs.
	WordsBefore string `json:"words_before,omitempty"`
	WordsAfter  string `json:"words_after,omitempty"`
	Paused      string `json:"paused,omitempty"` // why After is empty: "declared" or "override"
	// The next fires. Both are given even where only one differs.
	Before []Fire `json:"before,omitempty"`
	After  []Fire `json:"after,omitempty"`
	// Later are the first fires after these that only one side has, when these are
	// the same.
	Later []LaterFire `json:"later,omitempty"`
	// Cursor is where deciding begins anew; every instant up to it is settled.
	Cursor *CursorMove `json:"cursor,omitempty"`
	// Passed are instants before now that the change decides otherwise.
	Passed []Instants `json:"passed,omitempty"`
}

// Fire is an instant on two clocks, RFC 3339.
type Fire struct {
	Local string    `json:"local"`
	UTC   string    `json:"utc"`
	Clock ClockNote `json:"clock,omitempty"`
}

// LaterFire is a fire that a change takes away or adds in some time.
type LaterFire struct {
	Fire
	Lost bool `json:"lost,omitempty"` // else it is new
}

// ClockNote says what the clock of the zone does at an instant.
type ClockNote string

// The notes.
const (
	ClockGap    ClockNote = "gap"     // the time that is declared does not exist that day
	ClockFirst  ClockNote = "first"   // the local time comes twice; this is its first
	ClockSecond ClockNote = "second"  // … and this its second
	ClockShift  ClockNote = "shifted" // the offset from UTC is another than at the fire before
)

// Describe is the note for a person.
func (n ClockNote) Describe() string {
	switch n {
	case ClockGap:
		return "the clock goes forward: the declared time does not exist, so it fires right after"
	case ClockFirst:
		return "the clock goes back: this local time comes twice, this is the first"
	case ClockSecond:
		return "the clock goes back: this local time comes twice, this is the second"
	case ClockShift:
		return "the clock has changed since the fire before"
	}
	return ""
}

// CursorMove says how far a schedule is decided, RFC 3339. From is "" for a new
// one.
type CursorMove struct {
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// Instants are some that have passed and the change decides otherwise.
type Instants struct {
	What   string `json:"what"` // "run" or "skipped", with the change
	Was    string `json:"was"`  // the same without it; "" = not at all
	Reason string `json:"reason,omitempty"`
	Count  int64  `json:"count"`
	First  string `json:"first"` // RFC 3339, UTC
	Last   string `json:"last"`
}

// ExecutionImpact is a live execution of a flow that changes or goes.
type ExecutionImpact struct {
	ID           string       `json:"id"`
	Flow         spec.Address `json:"flow"`
	State        string       `json:"state"`
	Revision     int64        `json:"revision"`
	Origin       string       `json:"origin,omitempty"`
	ScheduledFor string       `json:"scheduled_for,omitempty"` // RFC 3339
	Fate         Fate         `json:"fate"`
}

// Fate is what becomes of a live execution.
type Fate string

// The fates. All but the last keep the revision they were created with.
const (
	Finishes  Fate = "finishes"   // it runs, and goes on
	StartsNow Fate = "starts_now" // it is queued, and starts because of the change
	Starts    Fate = "starts"     // it is queued, and will still start
	Held      Fate = "held"       // it is queued, and starts when its flow is resumed
	Cancelled Fate = "cancelled"  // it is queued, and will not start
)

// PoolImpact is a pool that gets smaller than what uses it, or goes. Nothing is
// taken from who is in. Of one that stays, nobody gets in until there is room; one
// that is gone limits nothing, not even what runs on an older revision.
type PoolImpact struct {
	Address spec.Address `json:"address"`
	InUse   int          `json:"in_use"`
	Before  int          `json:"before"`
	After   int          `json:"after"` // 0 when the pool goes
	Gone    bool         `json:"gone,omitempty"`
	Users   int          `json:"users,omitempty"` // live executions that lose it
}

// Orphan is what a flow or schedule that goes leaves behind. One that comes back
// under the same name begins anew.
type Orphan struct {
	Address    spec.Address `json:"address"`
	UID        string       `json:"uid"`
	Executions int          `json:"executions"`
	More       bool         `json:"more,omitempty"` // than Executions, which is bounded
}
