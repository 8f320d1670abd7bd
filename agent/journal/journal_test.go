package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/agent/brain"
)

func open(t *testing.T, path string) (*Journal, []brain.Record) {
	t.Helper()
	j, records, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, records
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sample() []brain.Record {
	return []brain.Record{
		brain.Obeyed{Epoch: 7},
		brain.Kept{Keeper: "k1", Boot: "b1"},
		brain.Ordered{Token: "t1", Task: []byte(`{"type":"shell"}`)},
		brain.Ordered{Token: "t2"},
		brain.Ended{Token: "t1", Result: brain.Result{
			StartedAt: 5, EndedAt: 9, Outcome: "failed", HasExit: true, ExitCode: -3, Reason: "exit", Message: "three",
			Output: []byte("{}"), Log: brain.Log{Bytes: 12, SHA256: "ab", State: "cut", Cut: 4},
		}},
		brain.Shipped{Token: "t1", Chunk: brain.Chunk{From: 0, To: 12, Object: "log/x", ObjectOffset: 3, SHA256: "cd"}},
		brain.Stored{Token: "t1", To: 1 << 40},
		brain.Settled{Token: "t2"},
	}
}

func TestRecordsComeBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, none := open(t, path)
	if len(none) != 0 {
		t.Fatalf("a new journal holds %v", none)
	}
	want := sample()
	must(t, j.Append(want[:3], true))
	must(t, j.Append(want[3:], false))
	id, seq := j.ID(), j.Seq()
	must(t, j.Close())
	again, got := open(t, path)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if again.ID() != id || again.Seq() != seq || seq != int64(len(want)) {
		t.Errorf("id %q seq %d, want %q %d", again.ID(), again.Seq(), id, seq)
	}
}

func TestTwoJournalsHaveTwoIDs(t *testing.T) {
	a, _ := open(t, filepath.Join(t.TempDir(), "journal"))
	b, _ := open(t, filepath.Join(t.TempDir(), "journal"))
	if a.ID() == b.ID() || a.ID() == "" {
		t.Errorf("ids %q and %q", a.ID(), b.ID())
	}
}

func TestRewriteKeepsIDAndSequence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	must(t, j.Append(sample(), true))
	before, size := j.Seq(), j.Size()
	live := sample()[:2]
	must(t, j.Rewrite(live))
	if j.Size() >= size {
		t.Errorf("size %d after the rewrite, %d before", j.Size(), size)
	}
	next := brain.Ordered{Token: "t3"}
	must(t, j.Append([]brain.Record{next}, true))
	id := j.ID()
	again, got := open(t, path)
	if diff := cmp.Diff(append(live, next), got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if again.ID() != id || again.Seq() != before+1 {
		t.Errorf("id %q seq %d, want %q %d", again.ID(), again.Seq(), id, before+1)
	}
}

// TestTornAtEveryByte cuts the file everywhere: what was whole before the cut
// comes back, the rest is gone, and the file can be written on.
func TestTornAtEveryByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	first := j.Size()
	ends := []int64{first}
	for _, r := range sample() {
		must(t, j.Append([]brain.Record{r}, false))
		ends = append(ends, j.Size())
	}
	must(t, j.Sync())
	whole, err := os.ReadFile(path)
	must(t, err)
	for cut := first; cut <= int64(len(whole)); cut++ {
		for _, tail := range [][]byte{nil, bytes.Repeat([]byte{0xee}, 40)} {
			must(t, os.WriteFile(path, append(whole[:cut:cut], tail...), 0o600))
			torn, got, err := Open(path)
			must(t, err)
			n := 0
			for n+1 < len(ends) && ends[n+1] <= cut {
				n++
			}
			if diff := cmp.Diff(sample()[:n], got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
			}
			if torn.Seq() != int64(n) {
				t.Fatalf("cut at %d: seq %d, want %d", cut, torn.Seq(), n)
			}
			last := brain.Ordered{Token: "after"}
			must(t, torn.Append([]brain.Record{last}, true))
			must(t, torn.Close())
			_, got = open(t, path)
			if len(got) != n+1 || !cmp.Equal(got[n], brain.Record(last)) {
				t.Fatalf("cut at %d: record after the cut is lost: %v", cut, got)
			}
		}
	}
}

// Zeros are what a file system may leave of a write.
func TestZerosAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	must(t, j.Append(sample(), true))
	must(t, os.Truncate(path, j.Size()+4096))
	again, got := open(t, path)
	if diff := cmp.Diff(sample(), got); diff != "" || again.Cut() != 4096 {
		t.Errorf("%d bytes are cut (-want +got):\n%s", again.Cut(), diff)
	}
}

func TestDamagedHeadIsRefused(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "foreign": "hello, this is not a journal", "zeroes": string(make([]byte, 64))} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			must(t, os.WriteFile(path, []byte(content), 0o600))
			if _, _, err := Open(path); !errors.Is(err, errHead) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestDamagedRewriteIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	must(t, j.Rewrite(sample()))
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, data[:len(data)-1], 0o600))
	if _, _, err := Open(path); err == nil {
		t.Error("a file that was put in place whole has lost a record, and nobody noticed")
	}
}

// TestFailureIsForGood: after one failed write nothing is taken in, even if the
// disk has recovered.
func TestFailureIsForGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	good := j.file
	bad, err := os.Open(path) // not for writing
	must(t, err)
	defer bad.Close()
	j.file = bad
	if err := j.Append(sample(), true); err == nil {
		t.Fatal("a write to a file opened for reading succeeded")
	}
	j.file = good
	for name, err := range map[string]error{
		"append": j.Append(sample(), true), "sync": j.Sync(), "rewrite": j.Rewrite(nil),
	} {
		if !errors.Is(err, ErrBroken) {
			t.Errorf("%s after a failure: %v", name, err)
		}
	}
}

// A rewrite that fails leaves the file as it was, and is for good too.
func TestFailedRewriteIsForGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	must(t, j.Append(sample(), true))
	must(t, os.Mkdir(path+".next", 0o700))
	if err := j.Rewrite(nil); err == nil {
		t.Fatal("a directory was written to")
	}
	must(t, os.Remove(path+".next"))
	for name, err := range map[string]error{"append": j.Append(sample(), true), "rewrite": j.Rewrite(nil)} {
		if !errors.Is(err, ErrBroken) {
			t.Errorf("%s after a failure: %v", name, err)
		}
	}
	if _, got := open(t, path); !cmp.Equal(got, sample()) {
		t.Errorf("the file holds %v", got)
	}
}

func TestFailedSyncIsForGood(t *testing.T) {
	j, _ := open(t, filepath.Join(t.TempDir(), "journal"))
	must(t, j.Append(sample(), false))
	r, w, err := os.Pipe() // takes no fsync
	must(t, err)
	defer r.Close()
	good := j.file
	j.file = w
	if err := j.Sync(); err == nil {
		t.Fatal("fsync of a pipe succeeded")
	}
	w.Close()
	j.file = good
	if err := j.Sync(); !errors.Is(err, ErrBroken) {
		t.Errorf("the fsync was tried again: %v", err)
	}
}

// A head that says more than this version knows is one of a newer version.
func TestLongerHeadIsRefused(t *testing.T) {
	p, _, _ := unseal(frameHead(nil, head{id: "x"}))
	longer := seal(nil, func(dst []byte) []byte { return append(append(dst, p...), 1) })
	if _, _, _, err := read(longer); !errors.Is(err, errHead) {
		t.Errorf("error %v", err)
	}
}

// A file is read at once; what records hold of it is their own.
func TestDecodeKeepsNothing(t *testing.T) {
	for _, want := range sample() {
		p, err := encode(nil, want)
		must(t, err)
		got, err := decode(p)
		must(t, err)
		clear(p)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestCodecRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String()
		number := rapid.Int64()
		blob := rapid.Custom(func(rt *rapid.T) []byte {
			if rapid.Bool().Draw(rt, "nil") {
				return nil
			}
			return append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes")...)
		})
		want := brain.Record(brain.Ended{Token: text.Draw(rt, "token"), Result: brain.Result{
			StartedAt: brain.Time(number.Draw(rt, "started")),
			EndedAt:   brain.Time(number.Draw(rt, "ended")),
			Outcome:   text.Draw(rt, "outcome"),
			HasExit:   rapid.Bool().Draw(rt, "has"),
			ExitCode:  rapid.Int32().Draw(rt, "exit"),
			Signal:    text.Draw(rt, "signal"),
			Reason:    text.Draw(rt, "reason"),
			Message:   text.Draw(rt, "message"),
			Output:    blob.Draw(rt, "output"),
			Log: brain.Log{
				Bytes: number.Draw(rt, "bytes"), SHA256: text.Draw(rt, "sha"),
				State: text.Draw(rt, "state"), Cut: number.Draw(rt, "cut"),
			},
		}})
		p, err := encode(nil, want)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := decode(p)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// FuzzRead: any bytes are read or refused, and what is read is written again as
// it was.
func FuzzRead(f *testing.F) {
	whole := frameHead(nil, head{id: "x", seq: 3})
	for _, r := range sample() {
		whole, _ = frame(whole, r)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, records, size, err := read(data)
		if err != nil {
			return
		}
		if size > int64(len(data)) {
			t.Fatalf("%d bytes of %d are whole", size, len(data))
		}
		again := frameHead(nil, h)
		for _, r := range records {
			if again, err = frame(again, r); err != nil {
				t.Fatal(err)
			}
		}
		_, twice, _, err := read(again)
		if err != nil {
			t.Fatalf("what was written is refused: %v", err)
		}
		if diff := cmp.Diff(records, twice); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func BenchmarkAppendSync(b *testing.B) {
	j, _, err := Open(filepath.Join(b.TempDir(), "journal"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	batch := []brain.Record{brain.Ordered{Token: "tttttttttttttttttttttttttt", Task: make([]byte, 500)}}
	for b.Loop() {
		if err := j.Append(batch, true); err != nil {
			b.Fatal(err)
		}
	}
}
