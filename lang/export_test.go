package lang

import "crypto/sha256"

// ReadEntry reads an entry of a cache whose checksum is right.
func ReadEntry(payload []byte) bool {
	sum := sha256.Sum256(payload)
	_, ok := readEntry(append(sum[:], payload...))
	return ok
}
