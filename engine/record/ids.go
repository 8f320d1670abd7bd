package record

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

// IDLength is the length of every id made here: one letter for its kind and
// 125 bits.
const IDLength = 26

// The first letters. A person's execution id may not look like one that follows
// from an instant or from an attempt.
const (
	fireLetter   = 'f'
	tokenLetter  = 't'
	objectLetter = 'u'
	noteLetter   = 'n'
	randomLetter = 'r'
)

// base32 in lower case, digits first: text order is byte order.
const alphabet = "0123456789abcdefghijklmnopqrstuv"

// FireID is the id of the execution that a schedule's instant leads to.
func FireID(scheduleUID string, instant Time) string {
	return hashID(fireLetter, scheduleUID, number(int64(instant)))
}

// ChildID is the id of the execution that an attempt of a sub-flow's job starts.
// It has the shape of a fire's, and another number of parts.
func ChildID(parent string, job int32, mapKey string, n int32) string {
	return hashID(fireLetter, parent, number(int64(job)), mapKey, number(int64(n)))
}

// Token is the id of an attempt. It holds for ever: the same attempt has the
// same token in a restored database.
func Token(execution string, job int32, mapKey string, n int32) string {
	return hashID(tokenLetter, execution, number(int64(job)), mapKey, number(int64(n)))
}

// ObjectUID is the uid of a declared object. Re-creation in a later revision
// gives another one.
func ObjectUID(lineage, kind, address string, revision int64) string {
	return hashID(objectLetter, lineage, kind, address, number(revision))
}

// NoteID is the id of an audit row or a dead letter about an object, written at
// some time; seq tells apart those of one moment.
func NoteID(object, verb string, at Time, seq int64) string {
	return hashID(noteLetter, object, verb, number(int64(at)), number(seq))
}

// NewID turns random bytes into an id that no hash gives.
func NewID(random [16]byte) string {
	return encode(randomLetter, random)
}

// IsFireID reports whether a text has the shape of the id of an execution that
// nobody named: a schedule's or a sub-flow's.
func IsFireID(s string) bool {
	if len(s) != IDLength || s[0] != fireLetter {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'v') {
			return false
		}
	}
	return true
}

// ValidExecutionID reports whether a person may name an execution so:
// [A-Za-z0-9][A-Za-z0-9._-]{0,63}, not of the shape of a fire.
func ValidExecutionID(s string) bool {
	if s == "" || len(s) > MaxID || IsFireID(s) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// hashID hashes the parts with their lengths, so that no two lists of parts
// read the same.
func hashID(letter byte, parts ...string) string {
	var buf [256]byte
	text := append(buf[:0], letter)
	for _, p := range parts {
		text = binary.BigEndian.AppendUint32(text, uint32(len(p)))
		text = append(text, p...)
	}
	sum := sha256.Sum256(text)
	return encode(letter, [16]byte(sum[:16]))
}

func encode(letter byte, b [16]byte) string {
	var text [IDLength + 1]byte
	base32.NewEncoding(alphabet).WithPadding(base32.NoPadding).Encode(text[1:], b[:])
	text[0] = letter
	return string(text[:IDLength])
}

func number(n int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return string(b[:])
}
