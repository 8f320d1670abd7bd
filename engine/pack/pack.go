// Package pack is a tree of files as one object: how a dependency travels to the
// bucket and from there to agents.
//
//	lft pack 1
//	5 SUM x bin/run.sh
//	9 SUM - conf/a.ini
//
//	…the contents, one after the other, in the order of the lines…
//
// A line is size, SHA-256, executable bit and path; an empty line ends them. The
// digest of the tree is that of its files (tree.Digest), so whoever reads a pack
// finds out on the way whether it is what it is said to be, without a second
// look at the bytes, and one digest has one pack. A file is found in it by
// counting (Section), so that one of many can be read alone.
//
// The package promises that content is handed on only as its sums say: what a
// reader got before an error is worth nothing, what it got before io.EOF is
// right. It never touches a file system.
package pack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/leifengta/lft/lang/tree"
)

const magic = "lft pack 1"

// MaxHeader bounds the lines, in bytes. A dependency's spec, which lists the same
// files, is smaller.
const MaxHeader = 4 << 20

// ErrDamaged says that bytes are not the pack they should be.
var ErrDamaged = errors.New("not the content it should be")

// Header is what comes before the contents. The files are a tree (tree.Check).
func Header(files []tree.File) []byte {
	var b bytes.Buffer
	b.WriteString(magic + "\n")
	for _, f := range files {
		mode := "-"
		if f.Executable {
			mode = "x"
		}
		fmt.Fprintf(&b, "%d %s %s %s\n", f.Size, f.SHA256, mode, f.Path)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// Size is the size of the whole pack, in bytes.
func Size(files []tree.File) int64 {
	off, _ := Section(files, len(files))
	return off
}

// Section tells where the content of the i-th file lies in the pack.
func Section(files []tree.File, i int) (off, n int64) {
	off = int64(len(Header(files)))
	for _, f := range files[:i] {
		off += f.Size
	}
	if i < len(files) {
		n = files[i].Size
	}
	return off, n
}

// Reader reads a pack from its beginning.
type Reader struct {
	r     *bufio.Reader
	files []tree.File
}

// Decode reads the header.
func Decode(r io.Reader) (*Reader, error) {
	p := &Reader{r: bufio.NewReaderSize(r, 64<<10)}
	first, left, err := p.line(MaxHeader)
	if err != nil || first != magic {
		return nil, damaged("it is no pack", err)
	}
	for {
		var line string
		if line, left, err = p.line(left); err != nil {
			return nil, damaged("its list of files", err)
		}
		if line == "" {
			break
		}
		f, err := parse(line)
		if err != nil {
			return nil, damaged("its list of files", err)
		}
		p.files = append(p.files, f)
	}
	if err := tree.Check(p.files); err != nil {
		return nil, damaged("its list of files", err)
	}
	return p, nil
}

// line reads one line of the header, of which at most left bytes are to come.
func (p *Reader) line(left int) (string, int, error) {
	var b strings.Builder
	for {
		part, err := p.r.ReadSlice('\n')
		if left -= len(part); left < 0 {
			return "", 0, fmt.Errorf("it has more than %d bytes", MaxHeader)
		}
		b.Write(part)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return strings.TrimSuffix(b.String(), "\n"), left, err
	}
}

// parse is strict: a line is written in one way only.
func parse(line string) (tree.File, error) {
	size, rest, _ := strings.Cut(line, " ")
	sum, rest, _ := strings.Cut(rest, " ")
	mode, path, ok := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if !ok || err != nil || n < 0 || strconv.FormatInt(n, 10) != size || mode != "x" && mode != "-" {
		return tree.File{}, fmt.Errorf("line %.80q", line)
	}
	return tree.File{Path: path, Executable: mode == "x", Size: n, SHA256: sum}, nil
}

func damaged(what string, err error) error {
	if err == nil {
		return fmt.Errorf("%w: %s", ErrDamaged, what)
	}
	return fmt.Errorf("%w: %s: %w", ErrDamaged, what, err)
}

// Files is the tree.
func (p *Reader) Files() []tree.File { return p.files }

// Check refuses another tree than that of a digest.
func (p *Reader) Check(digest string) error {
	if got := tree.Digest(p.files); got != digest {
		return damaged(fmt.Sprintf("its digest is %.16s…, not %.16s…", got, digest), nil)
	}
	return nil
}

// Each hands the contents out in order and checks each one, and that nothing
// follows the last.
func (p *Reader) Each(do func(f tree.File, content io.Reader) error) error {
	for _, f := range p.files {
		c := &content{file: f, r: p.r}
		if err := do(f, c); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			return err
		}
	}
	return p.end()
}

func (p *Reader) end() error {
	switch _, err := p.r.ReadByte(); {
	case err == nil:
		return damaged("something follows the last file", nil)
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// Relay is the whole pack once more, from its first byte on, checked on its way.
func (p *Reader) Relay() io.Reader {
	return io.MultiReader(bytes.NewReader(Header(p.files)), &chain{
		files: p.files,
		open:  func(tree.File) (io.Reader, error) { return p.r, nil },
		end:   p.end,
	})
}
