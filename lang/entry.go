package lang

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/spec"
)

// entryFormat is the version of entries: it is part of their keys.
const entryFormat = 1

// entry is what a file of flows means, and of what that was made.
type entry struct {
	uses []used
	made []*made
}

type used struct {
	use

	digest digest
}

// append writes an entry: a checksum, then all fields in order. Numbers are
// varints, texts have their length before them.
func (e *entry) append(b []byte) []byte {
	b = append(b, make([]byte, sha256.Size)...)
	b = binary.AppendUvarint(b, uint64(len(e.uses)))
	for _, u := range e.uses {
		b = appendText(appendText(appendText(b, string(u.module)), u.kind), u.name)
		b = append(b, u.digest[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.made)))
	for _, m := range e.made {
		b = appendText(b, m.name)
		b = appendPos(appendPos(b, m.at.Start), m.at.End)
		b = binary.AppendUvarint(b, uint64(len(m.sets)))
		for _, one := range m.sets {
			b = one.append(b)
		}
	}
	sum := sha256.Sum256(b[sha256.Size:])
	copy(b, sum[:])
	return b
}

func (s *madeSet) append(b []byte) []byte {
	b = appendFlag(appendFlag(appendText(b, string(s.addr)), s.set.keyed), s.set.broken)
	b = binary.AppendUvarint(b, uint64(len(s.set.enabled)))
	for key, enabled := range s.set.enabled {
		b = appendFlag(appendText(b, key), enabled)
	}
	b = binary.AppendUvarint(b, uint64(len(s.flows)))
	for _, f := range s.flows {
		b = appendText(b, string(f.addr))
		b = appendText(appendText(b, f.digest), string(f.data))
		b = appendText(b, string(f.head))
		b = binary.AppendUvarint(b, uint64(f.line))
		b = binary.AppendUvarint(b, uint64(len(f.jobs)))
		for _, j := range f.jobs {
			b = binary.AppendUvarint(appendText(b, j.name), uint64(j.line))
		}
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendFlag(b []byte, yes bool) []byte {
	if yes {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendPos(b []byte, p hcl.Pos) []byte {
	for _, n := range [...]int{p.Line, p.Column, p.Byte} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// entryReader reads what append wrote. Canonical forms share the entry's memory.
type entryReader struct {
	left []byte
	bad  bool
}

// readEntry is false for what is no whole entry.
func readEntry(data []byte) (entry, bool) {
	var e entry
	if len(data) < sha256.Size || sha256.Sum256(data[sha256.Size:]) != digest(data[:sha256.Size]) {
		return e, false
	}
	r := entryReader{left: data[sha256.Size:]}
	for range r.count() {
		u := used{use: use{spec.Address(r.text()), r.text(), r.text()}}
		copy(u.digest[:], r.take(sha256.Size))
		e.uses = append(e.uses, u)
	}
	for range r.count() {
		m := &made{name: r.text()}
		m.at = hcl.Range{Start: r.pos(), End: r.pos()}
		for range r.count() {
			m.sets = append(m.sets, r.set())
		}
		e.made = append(e.made, m)
	}
	return e, !r.bad && len(r.left) == 0
}

func (r *entryReader) set() madeSet {
	s := madeSet{addr: spec.Address(r.text()), set: &set{keyed: r.flag(), broken: r.flag(), enabled: map[string]bool{}}}
	for range r.count() {
		key := r.text()
		s.set.enabled[key] = r.flag()
	}
	for range r.count() {
		f := &loadedFlow{addr: spec.Address(r.text()), digest: r.text(), data: r.take(r.number()), head: r.take(r.number()), line: r.number()}
		n := r.count()
		f.jobs = make([]placed, 0, n)
		for range n {
			f.jobs = append(f.jobs, placed{name: r.text(), line: r.number()})
		}
		s.flows = append(s.flows, f)
	}
	return s
}

func (r *entryReader) take(n int) []byte {
	if n < 0 || n > len(r.left) {
		r.bad, r.left = true, nil
		return nil
	}
	taken := r.left[:n:n]
	r.left = r.left[n:]
	return taken
}

func (r *entryReader) number() int {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		c := r.take(1)
		if c == nil {
			return 0
		}
		n |= uint64(c[0]&0x7f) << shift
		if c[0] < 0x80 {
			break
		}
	}
	return int(n)
}

// count is never more than what is left can hold.
func (r *entryReader) count() int {
	n := r.number()
	if n < 0 || n > len(r.left) {
		r.bad = true
		return 0
	}
	return n
}

func (r *entryReader) text() string { return string(r.take(r.number())) }
func (r *entryReader) flag() bool   { return string(r.take(1)) == "\x01" }

func (r *entryReader) pos() hcl.Pos {
	return hcl.Pos{Line: r.number(), Column: r.number(), Byte: r.number()}
}
