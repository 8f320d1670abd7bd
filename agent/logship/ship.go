package logship

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/engine/blob"
)

// look starts shipping where there is enough, or something old enough.
func (s *Shipper) look(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		if !l.busy && s.due(l, now) {
			s.ship(l, now)
		}
	}
}

// due reports whether a log is to be shipped now; the caller holds mu.
func (s *Shipper) due(l *log, now time.Time) bool {
	if l.end >= 0 {
		return l.shipped < l.end
	}
	st, err := os.Stat(filepath.Join(s.c.Dir, l.token))
	if err != nil {
		return false // Finish tells whether it is missed
	}
	waiting := st.Size() - l.shipped
	if waiting <= 0 {
		return false
	}
	if l.since.IsZero() {
		l.since = now
	}
	return waiting >= chunkBytes || now.Sub(l.since) >= patience(l.objects)
}

func patience(objects int) time.Duration {
	d := firstAfter
	for range objects {
		if d *= 2; d >= slowest {
			return slowest
		}
	}
	return d
}

// ship starts to ship a log up to its present end, and reports whether somebody
// does; the caller holds mu.
func (s *Shipper) ship(l *log, now time.Time) bool {
	if l.busy {
		return true
	}
	if s.bucket == nil || s.life == nil || s.life.Err() != nil || now.Before(s.retryAt) {
		return false
	}
	l.busy = true
	s.work.Add(1)
	go s.run(s.life, s.bucket, l)
	return true
}

// run ships one log until nothing is left or something fails.
func (s *Shipper) run(ctx context.Context, b blob.Bucket, l *log) {
	defer s.work.Done()
	for more := true; more; {
		s.mu.Lock()
		from, end := l.shipped, l.end
		s.mu.Unlock()
		row, err := s.next(ctx, b, l.token, from, end)
		s.mu.Lock()
		more = s.settle(l, row, err)
		report := err == nil
		if w := l.waiter; w != nil && report {
			w.rows, report = append(w.rows, row), false
		}
		s.mu.Unlock()
		if report {
			s.c.Report([]Chunk{row})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.busy = false
	if l.waiter != nil {
		close(l.waiter.done)
		l.waiter = nil
	}
	s.drop(l)
}

// settle notes what became of one object, and reports whether there is more to
// ship at once; the caller holds mu.
func (s *Shipper) settle(l *log, row Chunk, err error) bool {
	switch {
	case errors.Is(err, errNothing):
		return l.end > l.shipped // it ended while this was found out
	case errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, errGone):
		s.c.Log.Error("log is gone from the spool", "token", l.token, "shipped", l.shipped, "error", err)
		delete(s.logs, l.token)
		return false
	case err != nil:
		pause := retryAtMost
		if s.failed < 6 {
			pause = retryFirst << s.failed
		}
		s.failed++
		s.retryAt = time.Now().Add(pause)
		s.c.Log.Warn("log can not be shipped", "token", l.token, "error", err, "again_in", pause)
		return false
	}
	s.failed, s.retryAt = 0, time.Time{}
	l.shipped, l.since = row.To, time.Time{}
	l.objects++
	if l.end < 0 {
		return row.To-row.From == maxChunk // a growing log is not cut into crumbs
	}
	return l.shipped < l.end
}

var (
	// errNothing says that a log has no more bytes yet.
	errNothing = errors.New("nothing to ship")
	// errGone says that bytes of a log are nowhere any more. A bucket whose folder is
	// missing says nothing of the kind.
	errGone = errors.New("not in the spool")
)

// next writes one object with the bytes from from on, at most to end when that
// is known.
func (s *Shipper) next(ctx context.Context, b blob.Bucket, token string, from, end int64) (Chunk, error) {
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	case <-ctx.Done():
		return Chunk{}, ctx.Err()
	}
	f, err := os.Open(filepath.Join(s.c.Dir, token))
	if errors.Is(err, fs.ErrNotExist) {
		return Chunk{}, fmt.Errorf("%w: %w", errGone, err)
	}
	if err != nil {
		return Chunk{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Chunk{}, err
	}
	if end >= 0 && st.Size() < end {
		return Chunk{}, fmt.Errorf("%w: the file has %d bytes, not the %d it had", errGone, st.Size(), end)
	}
	n := min(st.Size()-from, maxChunk)
	if n <= 0 {
		return Chunk{}, errNothing
	}
	row := Chunk{Token: token, From: from, To: from + n, Object: blob.LogKey(token, from, from+n)}
	hash := sha256.New()
	if err := b.Put(ctx, row.Object, io.TeeReader(io.NewSectionReader(f, from, n), hash), n); err != nil {
		return Chunk{}, err
	}
	row.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return row, nil
}

// extent is where the bytes of a spool file begin that were not freed, and its
// size.
func extent(path string) (from, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	from, err = unix.Seek(int(f.Fd()), 0, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return st.Size(), st.Size(), nil // all of it was freed
	case err != nil:
		return 0, st.Size(), nil // a file system without holes
	}
	return from, st.Size(), nil
}
