package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/leifengta/lft/lang/tree"
)

// content reads one file's bytes of r, and ends with io.EOF only if they are the
// ones it was said to have.
type content struct {
	file tree.File
	r    io.Reader
	read int64
	sum  hash.Hash
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.sum == nil {
		c.sum = sha256.New()
	}
	left := c.file.Size - c.read
	if left == 0 {
		if hex.EncodeToString(c.sum.Sum(nil)) != c.file.SHA256 {
			return 0, damaged(c.file.Path, nil)
		}
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), left)])
	c.read += int64(n)
	c.sum.Write(p[:n])
	if errors.Is(err, io.EOF) {
		err = nil
		if n == 0 {
			err = damaged(c.file.Path, io.ErrUnexpectedEOF)
		}
	}
	return n, err
}

// chain reads the contents of files, one after the other.
type chain struct {
	files []tree.File
	open  func(tree.File) (io.Reader, error)
	end   func() error

	now *content
}

// Read implements io.Reader.
func (c *chain) Read(p []byte) (int, error) {
	for {
		if c.now == nil {
			if len(c.files) == 0 {
				if err := c.end(); err != nil {
					return 0, err
				}
				return 0, io.EOF
			}
			r, err := c.open(c.files[0])
			if err != nil {
				return 0, err
			}
			c.now = &content{file: c.files[0], r: r}
			c.files = c.files[1:]
		}
		n, err := c.now.Read(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		c.now = nil
	}
}

// ErrChanged says that a file is not any more what it was when its tree was
// described.
var ErrChanged = errors.New("changed since it was read first")

// Encoder makes a pack of files that lie somewhere. Close it.
type Encoder struct {
	r    io.Reader
	open func(path string) (io.ReadCloser, error)
	file io.ReadCloser
	name string
}

// Encode reads the pack of a tree; open opens its files, one at a time.
func Encode(files []tree.File, open func(path string) (io.ReadCloser, error)) *Encoder {
	e := &Encoder{open: open}
	e.r = io.MultiReader(bytes.NewReader(Header(files)), &chain{files: files, open: e.next, end: e.whole})
	return e
}

// Read implements io.Reader.
func (e *Encoder) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%s: %w", e.name, ErrChanged)
	}
	return n, err
}

func (e *Encoder) next(f tree.File) (io.Reader, error) {
	if err := e.whole(); err != nil {
		return nil, err
	}
	var err error
	e.name = f.Path
	e.file, err = e.open(f.Path)
	return e.file, err
}

// whole refuses a file that has grown, and closes it.
func (e *Encoder) whole() error {
	if e.file == nil {
		return nil
	}
	n, err := io.CopyN(io.Discard, e.file, 1)
	if n > 0 {
		return fmt.Errorf("%s: %w", e.name, ErrChanged)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	return e.Close()
}

// Close closes the file that is open.
func (e *Encoder) Close() error {
	if e.file == nil {
		return nil
	}
	f := e.file
	e.file = nil
	return f.Close()
}
