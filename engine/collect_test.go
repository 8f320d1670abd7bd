package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCollecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		answers := []struct {
			more bool
			err  error
		}{{true, nil}, {false, nil}, {false, errors.New("no bucket")}, {false, nil}}
		stop := collecting(t.Context(), func(context.Context) (bool, error) {
			at = append(at, time.Since(begin))
			a := answers[0]
			answers = answers[1:]
			return a.more, a.err
		}, slog.New(slog.DiscardHandler))
		time.Sleep(30 * time.Minute)
		stop()
		want := []time.Duration{collectFirst, collectFirst + collectPause}
		want = append(want, want[1]+collectEvery, want[1]+2*collectEvery)
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("collected at (-want +got):\n%s", diff)
		}
	})
}

// What is under way when the master steps down ends before it does: the next one may
// collect at once.
func TestCollectingHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := false
		stop := collecting(t.Context(), func(ctx context.Context) (bool, error) {
			busy = true
			<-ctx.Done()
			time.Sleep(time.Second)
			busy = false
			return true, ctx.Err()
		}, slog.New(slog.DiscardHandler))
		time.Sleep(collectFirst)
		synctest.Wait()
		if !busy {
			t.Fatal("nothing is collected")
		}
		stop()
		if busy {
			t.Error("it goes on")
		}
	})
}
