package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
)

// spool is one attempt's log, whose bytes are where a test puts them.
type spool struct {
	Runs
	blob.Bucket
	text string
	tail func(from int64) (master.Tail, error)

	mu      sync.Mutex // of what changes while it is read
	attempt record.Attempt
	end     *record.LogEnd
	rows    []record.Chunk
}

func (s *spool) ship(from, to int64) {
	sum := sha256.Sum256([]byte(s.text[from:to]))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, record.Chunk{From: from, To: to, Object: s.text[from:to], SHA256: fmt.Sprintf("%x", sum)})
}

func (s *spool) finish(end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempt.State, s.end = record.Ended, &record.LogEnd{Bytes: end, State: record.LogEOF}
}

func (s *spool) Chunks(_ context.Context, _ string, from int64, _ int) (page []record.Chunk, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.rows {
		if c.To > from {
			page = append(page, c)
		}
	}
	return page, nil
}

func (s *spool) LogEnds(context.Context, string) (map[string]record.LogEnd, error) { return nil, nil }

func (s *spool) LogEnd(context.Context, string) (record.LogEnd, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		return record.LogEnd{}, false, nil
	}
	return *s.end, true, nil
}

func (s *spool) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(key)), nil
}

func (s *spool) Tail(_ context.Context, _, _ string, from int64, _ int) (master.Tail, error) {
	return s.tail(from)
}

// read reads the log and says how long that took.
func (s *spool) read(ctx context.Context, from int64, follow bool) (string, time.Duration, error) {
	var got strings.Builder
	r := &logReader{
		deps: &Deps{Logs: s, Runs: s, Bucket: Bucket{Bucket: s}}, attempt: s.attempt, at: from, follow: follow,
		again: func(context.Context, record.Attempt) (record.Attempt, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.attempt, nil
		},
		send: func(at int64, data []byte) error {
			if at != from+int64(got.Len()) {
				return fmt.Errorf("bytes from %d after %d", at, from+int64(got.Len()))
			}
			got.Write(data)
			return nil
		},
	}
	began := time.Now()
	_, err := r.run(ctx)
	return got.String(), time.Since(began), err
}

func unreachable(int64) (master.Tail, error) { return master.Tail{}, master.ErrNotConnected }

// A reader waits for what is on its way, as long as that makes sense.
func TestReadersPatience(t *testing.T) {
	for _, tc := range []struct {
		name   string
		set    func(s *spool)
		from   int64
		follow bool
		want   string
		least  time.Duration
		broken bool
	}{
		{name: "running, its agent is away", set: func(s *spool) { s.ship(0, 3) }, want: "abc", least: livePatience, broken: true},
		{
			name: "ended, the rest is with an agent that is away", set: func(s *spool) { s.ship(0, 3); s.finish(6) },
			want: "abc", least: endPatience, broken: true,
		},
		{name: "ended, the rest comes late", set: func(s *spool) {
			s.finish(6)
			s.tail = func(from int64) (master.Tail, error) { return master.Tail{From: from}, nil } // nothing any more
			time.AfterFunc(endPatience-time.Second, func() { s.ship(0, 3) })
			time.AfterFunc(2*endPatience-3*time.Second, func() { s.ship(3, 6) })
		}, want: "abcdef", least: endPatience},
		{name: "ended without an end row", set: func(s *spool) { s.ship(0, 3); s.attempt.State = record.Ended }, want: "abc"},
		{name: "ended, and nobody acts", set: func(s *spool) {
			s.ship(0, 3)
			s.finish(3)
			s.tail = func(int64) (master.Tail, error) { return master.Tail{}, &master.NotLeader{} }
		}, want: "abc"},
		{name: "silent for an hour", follow: true, set: func(s *spool) {
			s.tail = func(from int64) (master.Tail, error) { return master.Tail{From: from}, nil }
			time.AfterFunc(time.Hour, func() { s.ship(0, 3); s.finish(3) })
		}, want: "abc", least: time.Hour},
		{name: "a hole that is still on the agent", set: func(s *spool) {
			s.ship(0, 2)
			s.ship(4, 6)
			s.finish(6)
			s.tail = func(from int64) (master.Tail, error) {
				return master.Tail{From: max(from-1, 0), Data: []byte(s.text[max(from-1, 0):4])}, nil // also what is known
			}
		}, want: "abcdef"},
		{name: "freed by now", set: func(s *spool) {
			s.tail = func(from int64) (master.Tail, error) {
				s.ship(0, 3)
				s.tail = func(from int64) (master.Tail, error) { return master.Tail{From: from}, nil }
				return master.Tail{From: from, Error: "freed"}, nil
			}
		}, want: "abc"},
		{name: "from within a row", from: 2, set: func(s *spool) { s.ship(0, 3); s.ship(1, 6); s.finish(6) }, want: "cdef"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &spool{text: "abcdef", attempt: record.Attempt{State: record.AttemptRunning}, tail: unreachable}
				tc.set(s)
				got, took, err := s.read(t.Context(), tc.from, tc.follow)
				if got != tc.want || errors.Is(err, errDamaged) != tc.broken || !tc.broken && err != nil {
					t.Errorf("%q, %v", got, err)
				}
				if took < tc.least || took > tc.least+endPatience {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A reader that has gone waits for nothing.
func TestReaderGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spool{attempt: record.Attempt{State: record.AttemptRunning}, tail: unreachable}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, took, err := s.read(ctx, 0, true); !errors.Is(err, context.DeadlineExceeded) || took != time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		s.tail = func(int64) (master.Tail, error) { <-ctx.Done(); return master.Tail{}, master.ErrNotConnected }
		if _, _, err := s.read(ctx, 0, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}
