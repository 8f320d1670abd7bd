package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"github.com/leifengta/lft/lang/spec"
)

// Limits of the texts in a plan: of one file, and of all.
const (
	MaxText  = 64 << 10
	maxTexts = 1 << 20
)

// Reader returns what is in a file of a dependency, false when it is not at hand.
type Reader func(dependency spec.Address, file FileChange) ([]byte, bool)

// AddTexts adds to files that change what is in them, when both sides are small
// texts, so that they can be compared line by line. What a reader returns is taken
// only when its digest is that of the file.
func AddTexts(changes []Change, before, after Reader) {
	left := maxTexts
	for _, c := range changes {
		switch c := c.(type) {
		case Update:
			left = addTexts(c, left, before, after)
		case Move:
			left = addTexts(c.Update, left, before, after)
		case Create, Delete:
		}
	}
}

func addTexts(u Update, left int, before, after Reader) int {
	for _, f := range u.Files {
		if f.Before == nil || f.After == nil || f.Before.Size+f.After.Size > int64(left) {
			continue
		}
		old, ok := f.Before.text(before, u.Address(), f)
		if !ok {
			continue
		}
		now, ok := f.After.text(after, u.Address(), f)
		if !ok {
			continue
		}
		f.Before.Text, f.After.Text = &old, &now
		left -= len(old) + len(now)
	}
	return left
}

// text is what is in a file, when it is a small text.
func (f *File) text(read Reader, dependency spec.Address, c FileChange) (string, bool) {
	if f.Size > MaxText {
		return "", false
	}
	data, ok := read(dependency, c)
	if !ok || !utf8.Valid(data) {
		return "", false
	}
	for _, b := range data {
		if b == 0 {
			return "", false
		}
	}
	sum := sha256.Sum256(data)
	return string(data), hex.EncodeToString(sum[:]) == f.SHA256
}
