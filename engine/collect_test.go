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
