package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/leifengta/lft/agent/brain"
)

// A frame is the length of its payload, the checksum of it, both little-endian,
// and the payload. The first frame of a file holds its head.
const (
	prefix   = 8
	maxFrame = 4 << 20
	magic    = "lft journal 1"
)

// head says which file this is. Seq counts what was appended before the first
// record; the first count records repeat such earlier ones.
type head struct {
	id    string
	seq   int64
	count int64
}

var errHead = errors.New("this is no journal of lft, or one of a newer version; " +
	"move it away only if no job of this agent runs or waits to be reported")

func frameHead(dst []byte, h head) []byte {
	return seal(dst, func(p []byte) []byte {
		p = putString(p, magic)
		p = putString(p, h.id)
		p = binary.AppendVarint(p, h.seq)
		return binary.AppendVarint(p, h.count)
	})
}

// frame appends the frame of a record.
func frame(dst []byte, r brain.Record) ([]byte, error) {
	var err error
	start := len(dst)
	dst = seal(dst, func(p []byte) []byte {
		p, err = encode(p, r)
		return p
	})
	if err == nil && len(dst)-start > maxFrame {
		err = fmt.Errorf("a record of %d bytes, more than %d", len(dst)-start, maxFrame)
	}
	return dst, err
}

// seal frames the payload that put appends.
func seal(dst []byte, put func([]byte) []byte) []byte {
	start := len(dst)
	dst = put(append(dst, make([]byte, prefix)...))
	payload := dst[start+prefix:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[start+4:], sum(payload))
	return dst
}

// unseal returns the payload of the first frame of data and the frame's length;
// false if it is torn.
func unseal(data []byte) (payload []byte, length int, ok bool) {
	if len(data) < prefix {
		return nil, 0, false
	}
	n := int(binary.LittleEndian.Uint32(data))
	if n == 0 || n > maxFrame || n > len(data)-prefix {
		return nil, 0, false
	}
	payload = data[prefix : prefix+n]
	if binary.LittleEndian.Uint32(data[4:]) != sum(payload) {
		return nil, 0, false
	}
	return payload, prefix + n, true
}

// read returns the records of a file and how many of its bytes are whole. An
// error means that the file was never a journal of this version: it was put in
// place whole, so its head cannot be torn.
func read(data []byte) (head, []brain.Record, int64, error) {
	payload, n, ok := unseal(data)
	if !ok {
		return head{}, nil, 0, errHead
	}
	d := decoder{rest: payload}
	mark := d.string()
	h := head{id: d.string(), seq: d.varint(), count: d.varint()}
	if mark != magic || d.end() != nil || h.seq < 0 || h.count < 0 {
		return head{}, nil, 0, errHead
	}
	var records []brain.Record
	for {
		payload, length, ok := unseal(data[n:])
		if !ok {
			break
		}
		r, err := decode(payload)
		if err != nil {
			return head{}, nil, 0, fmt.Errorf("record %d, at byte %d: %w", len(records)+1, n, err)
		}
		records = append(records, r)
		n += length
	}
	if int64(len(records)) < h.count {
		return head{}, nil, 0, fmt.Errorf("%d records where %d were put in place at once: the file is damaged", len(records), h.count)
	}
	return h, records, int64(n), nil
}

func sum(payload []byte) uint32 { return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)) }
