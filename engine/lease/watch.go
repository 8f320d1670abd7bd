package lease

import "time"

// watch judges from the outside whether the seat is free. It compares a counter
// with itself over one's own clock, so no two clocks need to agree.
type watch struct {
	seen      bool
	epoch     int64
	beat      int64
	since     time.Duration // own clock when this beat was first seen, at the latest
	gone      int           // looks in a row that found no connection of the holder
	unsettled bool          // the database was out of reach, and is back since:
	back      time.Duration
	away      bool // the last look failed
}

// look takes in a seat read between began and ended and says whether it may be
// taken. me is the own id: what an earlier try of this process took is free.
func (w *watch) look(s Seat, me string, began, ended time.Duration) bool {
	if w.away {
		w.away, w.unsettled, w.back = false, true, ended
	}
	if !w.seen || s.Epoch != w.epoch || s.Beat != w.beat {
		w.seen, w.epoch, w.beat, w.since, w.gone = true, s.Epoch, s.Beat, ended, 0
	}
	if s.Gone {
		w.gone++
	} else {
		w.gone = 0
	}
	if w.unsettled && began-w.back >= settleIn {
		w.unsettled = false
	}
	switch {
	case s.Epoch == 0, s.Resigned, s.Holder.ID == me:
		return true
	case w.gone >= 2 && !w.unsettled:
		return true
	}
	return began-w.since >= ExpireIn
}

// miss notes a look that failed. A holder that lost the database with us gets a
// moment to come back before its missing connections count.
func (w *watch) miss() { w.away, w.gone = true, 0 }
