package journal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leifengta/lft/agent/brain"
)

// Kinds of records. A number is never used again for something else.
const (
	kindOrdered = 1
	kindEnded   = 2
	kindShipped = 3
	kindSettled = 4
	kindObeyed  = 5
	kindKept    = 6
	kindStored  = 7
)

var errShort = errors.New("record is shorter than its kind")

// encode appends the payload of a record.
func encode(p []byte, r brain.Record) ([]byte, error) {
	switch r := r.(type) {
	case brain.Ordered:
		p = putString(append(p, kindOrdered), r.Token)
		p = putBytes(p, r.Task)
	case brain.Ended:
		p = putString(append(p, kindEnded), r.Token)
		p = putResult(p, r.Result)
	case brain.Shipped:
		p = putString(append(p, kindShipped), r.Token)
		p = binary.AppendVarint(p, r.Chunk.From)
		p = binary.AppendVarint(p, r.Chunk.To)
		p = putString(p, r.Chunk.Object)
		p = binary.AppendVarint(p, r.Chunk.ObjectOffset)
		p = putString(p, r.Chunk.SHA256)
	case brain.Stored:
		p = putString(append(p, kindStored), r.Token)
		p = binary.AppendVarint(p, r.To)
	case brain.Settled:
		p = putString(append(p, kindSettled), r.Token)
	case brain.Obeyed:
		p = binary.AppendVarint(append(p, kindObeyed), r.Epoch)
	case brain.Kept:
		p = putString(append(p, kindKept), r.Keeper)
		p = putString(p, r.Boot)
	default:
		return p, fmt.Errorf("unknown record %T", r)
	}
	return p, nil
}

func putResult(p []byte, r brain.Result) []byte {
	p = binary.AppendVarint(p, int64(r.StartedAt))
	p = binary.AppendVarint(p, int64(r.EndedAt))
	p = putString(p, r.Outcome)
	p = putBool(p, r.HasExit)
	p = binary.AppendVarint(p, int64(r.ExitCode))
	p = putString(p, r.Signal)
	p = putString(p, r.Reason)
	p = putString(p, r.Message)
	p = putBytes(p, r.Output)
	p = binary.AppendVarint(p, r.Log.Bytes)
	p = putString(p, r.Log.SHA256)
	p = putString(p, r.Log.State)
	return binary.AppendVarint(p, r.Log.Cut)
}

// decode reads a payload. It keeps no part of it.
func decode(payload []byte) (brain.Record, error) {
	d := decoder{rest: payload}
	var r brain.Record
	switch kind := d.byte(); kind {
	case kindOrdered:
		r = brain.Ordered{Token: d.string(), Task: d.bytes()}
	case kindEnded:
		r = brain.Ended{Token: d.string(), Result: d.result()}
	case kindShipped:
		r = brain.Shipped{Token: d.string(), Chunk: brain.Chunk{
			From: d.varint(), To: d.varint(), Object: d.string(), ObjectOffset: d.varint(), SHA256: d.string(),
		}}
	case kindStored:
		r = brain.Stored{Token: d.string(), To: d.varint()}
	case kindSettled:
		r = brain.Settled{Token: d.string()}
	case kindObeyed:
		r = brain.Obeyed{Epoch: d.varint()}
	case kindKept:
		r = brain.Kept{Keeper: d.string(), Boot: d.string()}
	default:
		return nil, fmt.Errorf("unknown kind %d: written by a newer lft?", kind)
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	return r, nil
}

func (d *decoder) result() brain.Result {
	return brain.Result{
		StartedAt: brain.Time(d.varint()),
		EndedAt:   brain.Time(d.varint()),
		Outcome:   d.string(),
		HasExit:   d.byte() != 0,
		ExitCode:  int32(d.varint()),
		Signal:    d.string(),
		Reason:    d.string(),
		Message:   d.string(),
		Output:    d.bytes(),
		Log:       brain.Log{Bytes: d.varint(), SHA256: d.string(), State: d.string(), Cut: d.varint()},
	}
}

func putString(p []byte, s string) []byte {
	return append(binary.AppendUvarint(p, uint64(len(s))), s...)
}

// putBytes tells nil from empty.
func putBytes(p, b []byte) []byte {
	if b == nil {
		return append(p, 0)
	}
	return append(binary.AppendUvarint(p, uint64(len(b))+1), b...)
}

func putBool(p []byte, b bool) []byte {
	if b {
		return append(p, 1)
	}
	return append(p, 0)
}

// decoder reads fields until one is missing; then all that follow are empty and
// end tells.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) end() error {
	if d.bad {
		return errShort
	}
	if len(d.rest) > 0 {
		return fmt.Errorf("record has %d bytes too many", len(d.rest))
	}
	return nil
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) string() string { return string(d.take(d.uvarint())) }

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n == 0 {
		return nil
	}
	return append([]byte{}, d.take(n-1)...)
}
