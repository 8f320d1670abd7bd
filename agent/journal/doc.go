// Package journal is an agent's memory on disk: an append-only file of framed
// records, each with its checksum.
//
// It promises that a record appended with sync is there after a loss of power,
// that all records appended without it are there after a crash of the process,
// in order and without holes, and that a torn tail is cut when the file is
// opened. After a failed write or fsync it takes nothing in any more: what the
// disk holds is unknown then, and a second fsync would lie.
//
// Its id is drawn when the file is made and its sequence only grows, so that a
// file which was lost, copied or put back from a backup is told from this one.
// It knows how records are written, never what they mean: which ones may go is
// the brain's word (Rewrite).
package journal
