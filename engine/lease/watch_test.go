package lease

import (
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	const ms = time.Millisecond
	type look struct {
		at       time.Duration
		seat     Seat
		miss     bool
		takes    time.Duration // how long the look took
		wantFree bool
	}
	held := func(beat int64) Seat { return Seat{Epoch: 3, Beat: beat, Holder: Holder{ID: "other"}} }
	gone := func(beat int64) Seat { s := held(beat); s.Gone = true; return s }
	for _, tc := range []struct {
		name  string
		looks []look
	}{
		{"never held", []look{{seat: Seat{}, wantFree: true}}},
		{"resigned", []look{{seat: Seat{Epoch: 3, Resigned: true}, wantFree: true}}},
		{"taken by ourselves, but the answer was lost", []look{{seat: Seat{Epoch: 3, Holder: Holder{ID: "me"}}, wantFree: true}}},
		{"beats on", []look{{at: 0, seat: held(1)}, {at: 4 * time.Second, seat: held(2)}, {at: 8 * time.Second, seat: held(3)}}},
		{"stands still", []look{
			{at: 0, seat: held(1)}, {at: 4999 * ms, seat: held(1)}, {at: 5001 * ms, seat: held(1), wantFree: true},
		}},
		{"a new epoch begins anew", []look{{at: 0, seat: held(1)}, {at: 6 * time.Second, seat: Seat{Epoch: 4, Beat: 1}}}},
		// The answer may be as old as the look's beginning, and the beat as young as its end.
		{"slow looks", []look{
			{at: 0, seat: held(1), takes: 2 * time.Second},
			{at: 6 * time.Second, seat: held(1)},
			{at: 6900 * ms, seat: held(1), takes: 2 * time.Second},
			{at: 7001 * ms, seat: held(1), wantFree: true},
		}},
		{"gone, seen twice", []look{{at: 0, seat: held(1)}, {at: 250 * ms, seat: gone(1)}, {at: 500 * ms, seat: gone(1), wantFree: true}}},
		{"gone for a moment", []look{{at: 0, seat: gone(1)}, {at: 250 * ms, seat: held(1)}, {at: 500 * ms, seat: gone(1)}}},
		{"gone, but it beats", []look{{at: 0, seat: gone(1)}, {at: 250 * ms, seat: gone(2)}, {at: 500 * ms, seat: gone(3)}}},
		{"the database was away for both", []look{
			{at: 0, seat: held(1)},
			{at: 250 * ms, miss: true},
			{at: 500 * ms, seat: gone(1)},
			{at: 750 * ms, seat: gone(1)},
			{at: 1000 * ms, seat: gone(1)},
			{at: 1500 * ms, seat: gone(1), wantFree: true},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w watch
			for i, l := range tc.looks {
				if l.miss {
					w.miss()
					continue
				}
				if free := w.look(l.seat, "me", l.at, l.at+l.takes); free != l.wantFree {
					t.Errorf("look %d at %v: free = %v", i+1, l.at, free)
				}
			}
		})
	}
}
