package depcache

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/blob/blobtest"
)

// slow is content that comes with a pause before each piece, and never after some.
type slow struct {
	io.Reader
	ctx    context.Context //nolint:containedctx // of the test
	pauses []time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.pauses) > 0 {
		select {
		case <-time.After(s.pauses[0]):
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		}
		s.pauses = s.pauses[1:]
	}
	return s.Reader.Read(p[:min(len(p), 8)])
}

func (s *slow) Close() error { return nil }

// slowly is a bucket whose content comes so.
type slowly struct {
	*memory
	pauses []time.Duration
}

func (s slowly) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	r, err := s.memory.Get(ctx, key, off, n)
	return &slow{r, ctx, slices.Clone(s.pauses)}, err
}

// torn is a bucket that breaks off in the middle, at the same place each time.
type torn struct{ *memory }

func (b torn) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	r, err := b.memory.Get(ctx, key, off, n)
	return io.NopCloser(io.MultiReader(io.LimitReader(r, 16), iotest.ErrReader(errors.New("broke off")))), err
}

// Bytes that were brought before are no news.
func TestPatienceWithARepeatedFailure(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		it := m.add(t, map[string]string{"a": "a"})
		c, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetBucket(torn{m})
		ctx, cancel := context.WithTimeout(t.Context(), 2*DefaultPatience)
		defer cancel()
		if _, err := c.Acquire(ctx, "t", []Item{it}); err == nil || ctx.Err() != nil {
			t.Errorf("not given up: %v", err)
		}
	})
	unlock(dir)
}

// What is in its place is durable, whole and sealed.
func TestFetchIsDurable(t *testing.T) {
	m := newMemory()
	it := m.add(t, map[string]string{"d/a": "a"})
	c := open(t, t.TempDir(), m, Config{})
	var err error
	steps := blobtest.Durable(t, c.dir, func() { err = c.fetchOnce(t.Context(), it, func(int64) {}) })
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		steps[i] = regexp.MustCompile(`\.tmp-\w+`).ReplaceAllString(step, "NEW")
	}
	want := []string{
		"sync NEW/content", "sync NEW/content/d", "sync NEW/content/d/a", "sync NEW/seal", "sync NEW", "rename", "sync .",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Patience is with a bucket that gives nothing, not with one that takes its time.
func TestPatience(t *testing.T) {
	for _, tc := range []struct {
		pauses []time.Duration
		want   bool
	}{
		{slices.Repeat([]time.Duration{time.Minute}, 10), true},
		{[]time.Duration{time.Minute, time.Minute, 3 * time.Minute}, false},
	} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			m := newMemory()
			it := m.add(t, map[string]string{"a": "a"})
			c, err := Open(Config{Dir: dir, Patience: 2 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetBucket(slowly{m, tc.pauses})
			begin := time.Now()
			_, err = c.Acquire(t.Context(), "t", []Item{it})
			if (err == nil) != tc.want || time.Since(begin) > 20*time.Minute {
				t.Errorf("%v: %v after %s", tc.pauses, err, time.Since(begin))
			}
		})
		unlock(dir)
	}
}
