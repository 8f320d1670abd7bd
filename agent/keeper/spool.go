package keeper

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// readSize is how much of a log is held in memory at once, for each attempt that
// writes at this moment.
const readSize = 64 << 10

// block is the unit in which a file's bytes can be given back.
const block = 4 << 10

// spools are the logs of one keeper, and the disk they may use together.
type spools struct {
	dir     string
	quota   int64
	log     *slog.Logger
	gate    *gate
	buffers sync.Pool // of *[readSize]byte

	mu    sync.Mutex
	used  int64         // bytes written and not freed
	space chan struct{} // closed when used has shrunk
}

func newSpools(dir string, quota int64, gate *gate, log *slog.Logger) (*spools, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	s := &spools{dir: dir, quota: quota, log: log, gate: gate, space: make(chan struct{})}
	s.buffers.New = func() any { return new([readSize]byte) }
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	for _, e := range entries {
		var st unix.Stat_t
		if unix.Stat(filepath.Join(dir, e.Name()), &st) == nil {
			s.used += st.Blocks * 512
		}
	}
	return s, nil
}

func (s *spools) path(token string) string { return filepath.Join(s.dir, token) }

// take reserves n bytes; it waits while the quota is used up, unless hurry is
// closed. The caller is inside the gate, which is left meanwhile.
func (s *spools) take(n int64, hurry <-chan struct{}) {
	s.mu.Lock()
	for s.used+n > s.quota {
		space := s.space
		s.mu.Unlock()
		s.gate.leave()
		hurried := false
		select {
		case <-space:
		case <-hurry:
			hurried = true
		}
		s.gate.enter()
		s.mu.Lock()
		if hurried {
			break // beyond the quota, but by no more than a pipe holds
		}
	}
	s.used += n
	s.mu.Unlock()
}

func (s *spools) give(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = max(0, s.used-n)
	close(s.space)
	s.space = make(chan struct{})
}

// spool copies what one attempt writes into its file, made at the first byte.
type spool struct {
	all   *spools
	token string
	cap   int64
	pipe  *os.File
	first func() // called before the first byte is in the file
	hurry chan struct{}
	done  chan struct{} // the pipe is at its end, or was drained

	// Written by the copying goroutine alone, read by others.
	bytes atomic.Int64
	cut   atomic.Int64
	freed atomic.Int64

	// Changed inside the gate.
	file    *os.File
	hash    hash.Hash // nil = nothing was written
	pending []byte    // read and to be kept, but not written
}

// newSpool owns pipe, the reading end in non-blocking mode.
func (s *spools) newSpool(token string, limit int64, pipe *os.File, first func()) *spool {
	return &spool{
		all: s, token: token, cap: limit, pipe: pipe, first: first,
		hurry: make(chan struct{}), done: make(chan struct{}),
	}
}

// copy runs until the pipe ends or finish drains it.
func (s *spool) copy() {
	defer s.finished()
	s.all.gate.enter()
	s.append(s.pending) // an earlier program has read it
	s.all.gate.leave()
	raw, err := s.pipe.SyscallConn()
	if err != nil {
		s.all.log.Error("log pipe", "token", s.token, "error", err)
		return
	}
	for {
		err := s.next(raw.Read)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// The tree is gone: what the pipe holds is all there will be.
			for err = s.next(nonblocking(raw.Control)); err == nil; {
				err = s.next(nonblocking(raw.Control))
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.all.log.Error("log pipe", "token", s.token, "error", err)
			}
			return
		}
	}
}

func (s *spool) finished() {
	s.all.gate.enter()
	defer s.all.gate.leave()
	if s.file != nil {
		s.file.Close()
	}
	s.pipe.Close()
	close(s.done)
}

// nonblocking makes a reader that is asked once and ends when nothing is there.
func nonblocking(control func(func(uintptr)) error) func(func(uintptr) bool) error {
	return func(read func(uintptr) bool) error {
		ready := false
		err := control(func(fd uintptr) { ready = read(fd) })
		if err == nil && !ready {
			err = io.EOF
		}
		return err
	}
}

// next copies one piece. The buffer is taken only once there is something to
// read, so that silent jobs hold none.
func (s *spool) next(wait func(func(fd uintptr) bool) error) error {
	var (
		buf *[readSize]byte
		n   int
		err error
	)
	waitErr := wait(func(fd uintptr) bool {
		s.all.gate.enter()
		buf = s.all.buffers.Get().(*[readSize]byte)
		for {
			n, err = unix.Read(int(fd), buf[:])
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
		if errors.Is(err, unix.EAGAIN) {
			s.all.buffers.Put(buf)
			buf = nil
			s.all.gate.leave()
			return false
		}
		return true
	})
	if buf != nil {
		defer s.all.gate.leave()
		defer s.all.buffers.Put(buf)
	}
	switch {
	case waitErr != nil:
		return waitErr
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	s.append(buf[:n])
	return nil
}

// append keeps what is below the cap and counts the rest. The caller is inside
// the gate, which is left while there is no room.
func (s *spool) append(p []byte) {
	keep := min(int64(len(p)), max(0, s.cap-s.bytes.Load()))
	s.cut.Add(int64(len(p)) - keep)
	s.pending = p[:keep]
	if keep == 0 {
		return
	}
	s.all.take(keep, s.hurry)
	for len(s.pending) > 0 {
		n, err := s.write(s.pending)
		s.bytes.Add(int64(n))
		s.pending = s.pending[n:]
		if err == nil {
			continue
		}
		// A full disk is like a used-up quota: the job waits until there is
		// room. Only what a dead job left in its pipe is given up.
		s.all.log.Warn("log can not be written", "token", s.token, "error", err)
		s.all.gate.leave()
		dead := false
		select {
		case <-time.After(time.Second):
		case <-s.hurry:
			dead = true
		}
		s.all.gate.enter()
		if dead {
			left := int64(len(s.pending))
			s.pending = nil
			s.cut.Add(left)
			s.all.give(left)
		}
	}
}

func (s *spool) write(p []byte) (int, error) {
	if s.file == nil {
		flags := os.O_CREATE | os.O_WRONLY
		if s.hash == nil {
			flags |= os.O_TRUNC
		}
		f, err := os.OpenFile(s.all.path(s.token), flags, 0o600)
		if err != nil {
			return 0, err
		}
		s.file = f
		if s.hash == nil { // else an earlier program has begun it
			s.hash = sha256.New()
			s.first()
		}
	}
	n, err := s.file.WriteAt(p, s.bytes.Load())
	s.hash.Write(p[:n])
	return n, err
}

// finish is called when the attempt's tree is gone. It returns when the whole
// log is in the file.
func (s *spool) finish() Log {
	close(s.hurry)
	_ = s.pipe.SetReadDeadline(time.Unix(1, 0)) // fails only when it is at its end
	<-s.done
	l := Log{Bytes: s.bytes.Load(), Cut: s.cut.Load()}
	if s.hash != nil {
		l.SHA256 = hex.EncodeToString(s.hash.Sum(nil))
	}
	return l
}

// begin is where the bytes of a file begin that were not freed.
func (s *spools) begin(token string) int64 {
	f, err := os.Open(s.path(token))
	if err != nil {
		return 0 // free says it
	}
	defer f.Close()
	from, err := unix.Seek(int(f.Fd()), 0, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		from, err = unix.Seek(int(f.Fd()), 0, io.SeekEnd) // all of it was
	}
	if err != nil {
		return 0 // a file system without holes
	}
	return from
}

// free gives the bytes before to back. The file goes when whole says that it
// will not grow and all of it is freed. It works for files of earlier keepers.
func (s *spools) free(token string, from, to int64, whole bool) (freed int64, err error) {
	path := s.path(token)
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return from, nil
		}
		return from, fmt.Errorf("free log: %w", err)
	}
	if whole && to >= st.Size {
		if err := os.Remove(path); err != nil {
			return from, fmt.Errorf("free log: %w", err)
		}
		s.give(max(0, st.Size-from))
		return st.Size, nil
	}
	to = min(to, st.Size) / block * block // half a block gives nothing back
	if to <= from {
		return from, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return from, fmt.Errorf("free log: %w", err)
	}
	defer f.Close()
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, to-from)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return from, nil // the whole file goes in the end
	}
	if err != nil {
		return from, fmt.Errorf("free log: %w", err)
	}
	s.give(to - from)
	return to, nil
}

// tail reads from a spool file of size bytes, of which those before freed are
// gone.
func (s *spools) tail(token string, from int64, max int, size, freed int64) ([]byte, error) {
	if from < freed {
		return nil, ErrFreed
	}
	n := min(int64(max), size-from)
	if n <= 0 {
		return nil, nil
	}
	f, err := os.Open(s.path(token))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, ErrFreed
		}
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, n)
	got, err := f.ReadAt(buf, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return buf[:got], nil
}
