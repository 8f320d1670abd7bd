package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/brain"
)

// ErrBroken says that an earlier write or fsync failed.
var ErrBroken = errors.New("the journal is broken by an earlier failure")

// Journal is an open journal. It is not safe for concurrent use.
type Journal struct {
	path   string
	file   *os.File
	head   head
	seq    int64 // records ever appended
	size   int64 // bytes in the file
	cut    int64
	dirty  bool // written, not synced
	broken error
	buf    []byte
}

// Open opens the journal at path, making it when there is none, and returns the
// records it holds. A torn tail is cut off.
func Open(path string) (*Journal, []brain.Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		j := &Journal{path: path, head: head{id: rand.Text()}}
		return j, nil, j.Rewrite(nil)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the journal: %w", err)
	}
	h, records, size, err := read(data)
	if err != nil {
		return nil, nil, fmt.Errorf("journal %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{
		path: path, file: file, head: h, size: size,
		seq: h.seq + int64(len(records)) - h.count,
		cut: int64(len(data)) - size,
	}
	if j.cut > 0 {
		if err := errors.Join(file.Truncate(size), file.Sync()); err != nil {
			file.Close()
			return nil, nil, fmt.Errorf("cut the journal's torn tail: %w", err)
		}
	}
	return j, records, nil
}

// ID names this journal among all.
func (j *Journal) ID() string { return j.head.id }

// Seq is how many records were ever appended.
func (j *Journal) Seq() int64 { return j.seq }

// Size is the length of the file in bytes.
func (j *Journal) Size() int64 { return j.size }

// Cut is how many bytes of torn tail Open has cut off.
func (j *Journal) Cut() int64 { return j.cut }

// Append writes records, all with one write; with sync they, and all before
// them, are on disk when it returns. An error is for good.
func (j *Journal) Append(records []brain.Record, sync bool) error {
	if j.broken != nil {
		return j.broken
	}
	j.buf = j.buf[:0]
	for _, r := range records {
		var err error
		if j.buf, err = frame(j.buf, r); err != nil {
			return j.fail("encode", err)
		}
	}
	if len(j.buf) > 0 {
		if _, err := j.file.Write(j.buf); err != nil {
			return j.fail("write", err)
		}
		j.size += int64(len(j.buf))
		j.seq += int64(len(records))
		j.dirty = true
	}
	if sync {
		return j.Sync()
	}
	return nil
}

// Sync makes all that was appended durable.
func (j *Journal) Sync() error {
	if j.broken != nil {
		return j.broken
	}
	if !j.dirty {
		return nil
	}
	if err := datasync(j.file); err != nil {
		return j.fail("sync", err)
	}
	j.dirty = false
	return nil
}

// Rewrite replaces the content by records, durably and at once: after a crash
// the file holds either the old or the new. The sequence goes on.
func (j *Journal) Rewrite(records []brain.Record) error {
	if j.broken != nil {
		return j.broken
	}
	h := head{id: j.head.id, seq: j.seq, count: int64(len(records))}
	buf := frameHead(nil, h)
	for _, r := range records {
		var err error
		if buf, err = frame(buf, r); err != nil {
			return j.fail("encode", err)
		}
	}
	file, err := replace(j.path, buf)
	if err != nil {
		return j.fail("rewrite", err)
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.head, j.size, j.dirty = file, h, int64(len(buf)), false
	return nil
}

// Close closes the file. What was not synced is still there after a crash of the
// process.
func (j *Journal) Close() error {
	if j.broken == nil {
		j.broken = ErrBroken
	}
	return j.file.Close()
}

func (j *Journal) fail(verb string, err error) error {
	err = fmt.Errorf("%s the journal: %w", verb, err)
	j.broken = fmt.Errorf("%w: %w", ErrBroken, err)
	return err
}

// replace puts a new file with that content at path and returns it open for
// appending.
func replace(path string, content []byte) (*os.File, error) {
	next := path + ".next"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// datasync syncs content and length, but not the times of the file.
func datasync(file *os.File) error {
	for {
		err := unix.Fdatasync(int(file.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
