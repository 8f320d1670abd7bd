// Package logship carries what jobs wrote from the spool to the bucket.
//
// It reads a spool file from where it last got to, writes numbered immutable
// objects, and reports a manifest row for each; only when the master has that
// row for good are the spool bytes freed. So a byte is always in the spool, in
// the bucket with its row, or in both.
//
// It never delays a result: a bucket that is down makes the spool grow, and the
// shipper tries again. It never changes an object: one key is one content. What
// it knows is lost with the process, and that is harmless: bytes that are shipped
// again get objects and rows of their own that overlap the old ones.
package logship

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/leifengta/lft/engine/blob"
)

// How much is shipped when. A chatty job makes an object of a mebibyte or more;
// a quiet one waits longer each time, so that a log of days is no thousand
// objects. Who wants to see more at once follows the spool.
const (
	chunkBytes  = 1 << 20         // this much is shipped as soon as it is seen
	maxChunk    = 16 << 20        // bytes of one object
	firstAfter  = 3 * time.Second // age of the oldest byte of the first object
	slowest     = 5 * time.Minute // … of the later ones, at most; it doubles
	lookEvery   = time.Second     // at the sizes of spool files
	inFlight    = 8               // objects that are being written
	retryFirst  = time.Second     // after a failure; it doubles
	retryAtMost = time.Minute
)

// Chunk is a manifest row: bytes [From, To) of an attempt's log lie in Object
// from ObjectOffset on. After a crash rows may overlap; the bytes are equal.
type Chunk struct {
	Token        string
	From, To     int64
	Object       string
	ObjectOffset int64
	SHA256       string
}

// Config is what a Shipper needs. All fields are required.
type Config struct {
	Dir    string                             // the keeper's spool directory
	Report func([]Chunk)                      // rows for the master; called from several goroutines
	Free   func(token string, to int64) error // the keeper's Free
	Log    *slog.Logger
}

// Shipper ships the logs of one agent.
type Shipper struct {
	c    Config
	room chan struct{} // one for each object in flight
	wake chan struct{} // room for one: look now

	mu      sync.Mutex
	bucket  blob.Bucket // nil = none yet
	logs    map[string]*log
	failed  int       // in a row
	retryAt time.Time // the bucket is left alone until then
	//nolint:containedctx // of Run: what ships goes on while it runs, not while a caller waits
	life context.Context
	work sync.WaitGroup
}

// log is what is known of one spool file. Its fields are guarded by Shipper.mu.
type log struct {
	token   string
	shipped int64     // up to here there are objects
	acked   int64     // up to here the master has the rows
	end     int64     // bytes of the whole log; negative = it still grows
	since   time.Time // when bytes behind shipped were first seen
	objects int       // made so far
	busy    bool      // a goroutine ships it
	waiter  *waiter   // takes its rows, nil = they are reported
}

type waiter struct {
	rows []Chunk
	done chan struct{} // closed: nothing more will come soon
}

// New returns a Shipper; it works while Run runs.
func New(c Config) *Shipper {
	return &Shipper{
		c: c, room: make(chan struct{}, inFlight), wake: make(chan struct{}, 1), logs: map[string]*log{},
	}
}

// Run ships until ctx ends, then waits for what is being written.
func (s *Shipper) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.life != nil {
		s.mu.Unlock()
		return errors.New("logship: Run was called twice")
	}
	s.life = ctx
	s.mu.Unlock()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.look(time.Now())
		select {
		case <-ctx.Done():
			s.mu.Lock() // who is about to start has started, and nobody does after
			s.mu.Unlock()
			s.work.Wait()
			return ctx.Err()
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// SetBucket says where to ship to. Before the first call nothing is shipped.
func (s *Shipper) SetBucket(b blob.Bucket) {
	s.mu.Lock()
	s.bucket, s.failed, s.retryAt = b, 0, time.Time{}
	s.mu.Unlock()
	s.nudge()
}

// Grown says that an attempt has a spool file whose bytes before from are
// already shipped and acknowledged.
func (s *Shipper) Grown(token string, from int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log(token)
	l.shipped = max(l.shipped, from)
}

// log finds or makes what is known of a token; the caller holds mu.
func (s *Shipper) log(token string) *log {
	l := s.logs[token]
	if l == nil {
		l = &log{token: token, end: -1}
		s.logs[token] = l
	}
	return l
}

// Finish says that an attempt has ended with a log of that many bytes, and ships
// what is left. It waits for that as long as ctx allows, so that the rows can
// travel with the attempt's result; they are returned and not reported again.
// What is not shipped by then is tried again and reported. While the bucket is
// known to be down it does not wait.
func (s *Shipper) Finish(ctx context.Context, token string, bytes int64) []Chunk {
	if bytes == 0 {
		return nil
	}
	w := &waiter{done: make(chan struct{})}
	s.mu.Lock()
	l := s.log(token)
	l.end, l.waiter = bytes, w
	if l.shipped >= bytes || !s.ship(l, time.Now()) {
		l.waiter = nil
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.waiter == w {
		l.waiter = nil
	}
	return w.rows
}

// Acked says that the master has the rows of a log up to to for good.
func (s *Shipper) Acked(token string, to int64) {
	s.mu.Lock()
	if l := s.logs[token]; l != nil {
		l.acked = max(l.acked, to)
		s.drop(l)
	}
	s.mu.Unlock()
	if err := s.c.Free(token, to); err != nil {
		s.c.Log.Warn("free log", "token", token, "error", err)
	}
}

// drop forgets a log that the master has whole; the caller holds mu.
func (s *Shipper) drop(l *log) {
	if !l.busy && l.end >= 0 && l.acked >= l.end {
		delete(s.logs, l.token)
	}
}

// Spooled is a spool file.
type Spooled struct {
	Token string
	From  int64 // bytes before it were freed
	Bytes int64 // its size
}

// Spool lists the spool files of dir: after a restart, those of attempts that
// nobody else remembers are among them.
func Spool(dir string) ([]Spooled, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Spooled
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		from, size, err := extent(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return list, err
		}
		list = append(list, Spooled{Token: e.Name(), From: from, Bytes: size})
	}
	return list, nil
}

func (s *Shipper) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
