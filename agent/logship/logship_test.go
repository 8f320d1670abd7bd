package logship

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
)

// world is a shipper with a spool and a bucket that can be broken.
type world struct {
	*testing.T
	*Shipper
	blob.Bucket
	dir string

	mu     sync.Mutex
	broken error
	stuck  chan struct{} // non-nil: writes wait for it
	lasts  time.Duration // of a write that was given up
	puts   int           // asked for
	busy   int           // at a time, now
	most   int           // … and at most
	rows   []Chunk
	frees  []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b, err := dirblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	w := &world{T: t, Bucket: b, dir: t.TempDir()}
	w.restart()
	return w
}

func (w *world) restart() {
	w.Shipper = New(Config{
		Dir: w.dir,
		Log: slog.New(slog.DiscardHandler),
		Report: func(rows []Chunk) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.rows = append(w.rows, rows...)
		},
		Free: func(token string, to int64) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.frees = append(w.frees, fmt.Sprint(token, " ", to))
			return nil
		},
	})
}

func (w *world) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	w.mu.Lock()
	broken, stuck, lasts := w.broken, w.stuck, w.lasts
	w.puts++
	w.busy++
	w.most = max(w.most, w.busy)
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.busy--
	}()
	if stuck != nil {
		select {
		case <-stuck:
		case <-ctx.Done():
			time.Sleep(lasts)
			return ctx.Err()
		}
	}
	if broken != nil {
		return broken
	}
	return w.Bucket.Put(ctx, key, r, size)
}

func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = err
}

// write appends to a spool file.
func (w *world) write(token string, p []byte) {
	w.Helper()
	f, err := os.OpenFile(filepath.Join(w.dir, token), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(p); err != nil {
		w.Fatal(err)
	}
}

// run starts the shipper and returns what ends it.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error)
	go func() { done <- w.Shipper.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.Errorf("run: %v", err)
		}
	}
}

// reported takes the rows reported so far.
func (w *world) reported() []Chunk {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := w.rows
	w.rows = nil
	return rows
}

// settle lets time pass, and the goroutines do what is due.
func settle(d time.Duration) {
	time.Sleep(d) // virtual
	synctest.Wait()
}

// content reads what rows say.
func (w *world) content(rows []Chunk) []byte {
	w.Helper()
	var all []byte
	for _, row := range rows {
		r, err := w.Get(w.Context(), row.Object, row.ObjectOffset, row.To-row.From)
		if err != nil {
			w.Fatal(err)
		}
		part, err := io.ReadAll(r)
		r.Close()
		if err != nil || int64(len(part)) != row.To-row.From || row.From > int64(len(all)) {
			w.Fatalf("%+v: %d bytes after %d, %v", row, len(part), len(all), err)
		}
		if got := fmt.Sprintf("%x", sha(part)); got != row.SHA256 {
			w.Errorf("%+v: sha256 is %s", row, got)
		}
		all = append(all[:row.From], part...)
	}
	return all
}

func spans(rows []Chunk) []string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprint(r.Token, " ", r.From, "-", r.To))
	}
	return out
}

func (w *world) want(rows []Chunk, spansWanted ...string) {
	w.Helper()
	if diff := cmp.Diff(spansWanted, spans(rows)); diff != "" {
		w.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		w.write("tok", []byte("hello\n"))
		rows := w.Finish(t.Context(), "tok", 6)
		w.want(rows, "tok 0-6")
		if got := w.content(rows); string(got) != "hello\n" {
			t.Errorf("%q", got)
		}
		if rows := w.Finish(t.Context(), "silent", 0); rows != nil {
			t.Errorf("silent: %v", rows)
		}
		settle(time.Hour)
		w.want(w.reported())
		w.Acked("tok", 6)
		if diff := cmp.Diff([]string{"tok 6"}, w.frees); diff != "" {
			t.Error(diff)
		}
		if len(w.logs) != 0 {
			t.Errorf("remembered: %v", w.logs)
		}
	})
}

// A log that grows is shipped by size and by age, whole, in few objects.
func TestGrowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		var all []byte
		write := func(n int) {
			p := bytes.Repeat([]byte{byte(len(all)), '\n'}, n/2)
			all = append(all, p...)
			w.write("tok", p)
		}
		write(100)
		w.Grown("tok", 0)
		settle(2 * time.Second)
		w.want(w.reported())
		settle(3 * time.Second)
		rows := w.reported()
		w.want(rows, "tok 0-100")
		w.Grown("tok", 0) // said again by a keeper that was met again
		w.Acked("tok", 100)
		settle(time.Hour)
		w.want(w.reported())
		write(1 << 20)
		settle(2 * time.Second)
		more := w.reported()
		w.want(more, fmt.Sprint("tok 100-", len(all)))
		rows = append(rows, more...)
		write(maxChunk + 10)
		settle(2 * time.Second)
		more = w.reported()
		at := 100 + 1<<20
		w.want(more, fmt.Sprint("tok ", at, "-", at+maxChunk), fmt.Sprint("tok ", at+maxChunk, "-", len(all)))
		rows = append(rows, more...)
		for range 3600 { // a line each second
			write(10)
			settle(time.Second)
		}
		more = w.reported()
		if len(more) > 25 || len(more) < 10 {
			t.Errorf("%d objects in an hour", len(more))
		}
		rows = append(rows, more...)
		rows = append(rows, w.Finish(t.Context(), "tok", int64(len(all)))...)
		if !bytes.Equal(w.content(rows), all) {
			t.Error("the content is another")
		}
	})
}

// A bucket that is down delays nothing; when it is back, all arrives.
func TestDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		w.fail(errors.New("down"))
		start := time.Now()
		for i := range 20 {
			token := fmt.Sprint("t", i)
			w.write(token, []byte(token))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			w.want(w.Finish(ctx, token, int64(len(token))))
			cancel()
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("results were delayed by %v", d)
		}
		w.Acked("t19", 1) // shipped by an earlier life; the rest is not forgotten
		settle(10 * time.Minute)
		w.want(w.reported())
		if w.puts > 20*20 {
			t.Errorf("the bucket was asked %d times in ten minutes", w.puts)
		}
		w.fail(nil)
		settle(2 * retryAtMost)
		rows := w.reported()
		if len(rows) != 20 {
			t.Errorf("%d rows", len(rows))
		}
		for _, row := range rows {
			if got := w.content([]Chunk{row}); string(got) != row.Token {
				t.Errorf("%s: %q", row.Token, got)
			}
		}
		// The next failure is a first one.
		w.fail(errors.New("down"))
		w.write("next", []byte("x"))
		w.want(w.Finish(t.Context(), "next", 1))
		w.fail(nil)
		settle(2 * retryFirst)
		w.want(w.reported(), "next 0-1")
	})
}

// Another bucket is tried at once, however long the one before was down.
func TestAnotherBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		w.fail(errors.New("down"))
		w.write("tok", []byte("x"))
		w.want(w.Finish(t.Context(), "tok", 1))
		settle(10*time.Minute + lookEvery/2) // between two looks
		w.SetBucket(w.Bucket)
		synctest.Wait()
		w.want(w.reported(), "tok 0-1")
	})
}

// What is being written when Run is told to end has an end before it returns, and
// nothing begins after.
func TestEndOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		stop := w.run()
		w.stuck, w.lasts = make(chan struct{}), time.Second
		for i := range 2 * inFlight {
			token := fmt.Sprint("t", i)
			w.write(token, []byte("x"))
			go w.Finish(t.Context(), token, 1)
		}
		synctest.Wait()
		if err := w.Shipper.Run(t.Context()); err == nil {
			t.Error("it runs twice")
		}
		stop()
		if w.busy != 0 || w.most != inFlight {
			t.Errorf("%d objects are being written after the end, %d were at a time", w.busy, w.most)
		}
		puts := w.puts
		for i := range 20 {
			late := fmt.Sprint("late", i)
			w.write(late, []byte("x"))
			w.want(w.Finish(t.Context(), late, 1))
		}
		if w.puts != puts {
			t.Error("something is written after the end")
		}
		w.want(w.reported())
	})
}

// A log that ends while it is found to have nothing new is shipped to its end.
func TestEndsWhileItIsLookedAt(t *testing.T) {
	s := New(Config{})
	l := &log{shipped: 5, end: 8}
	if !s.settle(l, Chunk{}, errNothing) {
		t.Error("the rest is left for later")
	}
	if l.end = 5; s.settle(l, Chunk{}, errNothing) {
		t.Error("it is looked at for ever")
	}
}

// A bucket whose folder was removed is one that is down.
func TestBucketWithoutItsFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		w.fail(fmt.Errorf("put: %w", fs.ErrNotExist))
		w.write("tok", []byte("x"))
		w.want(w.Finish(t.Context(), "tok", 1))
		w.fail(nil)
		settle(2 * retryFirst)
		w.want(w.reported(), "tok 0-1")
	})
}

// A bucket that hangs is waited for only as long as the caller likes; the rows
// are reported later, once.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		w.stuck = make(chan struct{})
		w.write("tok", []byte("x"))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		w.want(w.Finish(ctx, "tok", 1))
		if d := time.Since(start); d != 200*time.Millisecond {
			t.Errorf("waited %v", d)
		}
		close(w.stuck)
		settle(time.Second)
		w.want(w.reported(), "tok 0-1")
		settle(time.Hour)
		w.want(w.reported())
	})
}

// One log is shipped by one at a time, also when it ends meanwhile.
func TestFinishWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		w.stuck = make(chan struct{})
		w.write("tok", []byte("one"))
		w.Grown("tok", 0)
		settle(2 * firstAfter)
		w.write("tok", []byte("two"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.want(w.Finish(ctx, "tok", 6))
		if w.most != 1 {
			t.Errorf("%d ship it", w.most)
		}
		close(w.stuck)
		synctest.Wait()
		w.want(w.reported(), "tok 0-3", "tok 3-6")
	})
}

// Without a bucket all waits; the end of Run ends what hangs.
func TestNoBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := w.run()
		w.write("tok", []byte("x"))
		w.want(w.Finish(t.Context(), "tok", 1))
		settle(time.Hour)
		w.stuck = make(chan struct{})
		w.SetBucket(w)
		settle(time.Second)
		stop()
		w.want(w.reported())
	})
}

// A new life starts where bytes were freed; rows that overlap agree.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		stop := w.run()
		text := bytes.Repeat([]byte("0123456789abcde\n"), 1<<10)
		w.write("tok", text[:8<<10])
		w.Grown("tok", 0)
		settle(10 * time.Second)
		first := w.reported()
		w.want(first, "tok 0-8192")
		stop()
		w.write("tok", text[8<<10:])
		w.restart() // knows nothing; the ack never came
		w.SetBucket(w)
		defer w.run()()
		if err := os.Mkdir(filepath.Join(w.dir, "folder"), 0o700); err != nil {
			t.Fatal(err)
		}
		list, err := Spool(w.dir)
		if diff := cmp.Diff([]Spooled{{Token: "tok", Bytes: 16 << 10}}, list); diff != "" || err != nil {
			t.Errorf("spool: %v\n%s", err, diff)
		}
		w.Grown("tok", list[0].From)
		second := w.Finish(t.Context(), "tok", 16<<10)
		w.want(second, "tok 0-16384")
		if !bytes.Equal(w.content(append(first, second...)), text) {
			t.Error("the content is another")
		}
		w.Grown("tok2", 4<<10)
		w.write("tok2", text)
		w.want(w.Finish(t.Context(), "tok2", 16<<10), "tok2 4096-16384")
	})
}

// What was freed is a hole in the file.
func TestSpoolOfFreedBytes(t *testing.T) {
	w := newWorld(t)
	for token, freed := range map[string]int64{"part": 8 << 10, "whole": 16 << 10} {
		w.write(token, make([]byte, 16<<10))
		f, err := os.OpenFile(filepath.Join(w.dir, token), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, freed)
		f.Close()
		if errors.Is(err, unix.EOPNOTSUPP) {
			t.Skip("this file system has no holes")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := Spool(w.dir)
	want := []Spooled{{Token: "part", From: 8 << 10, Bytes: 16 << 10}, {Token: "whole", From: 16 << 10, Bytes: 16 << 10}}
	if diff := cmp.Diff(want, list); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A spool file that vanished is said, not waited for.
func TestVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetBucket(w)
		defer w.run()()
		w.want(w.Finish(t.Context(), "never", 5))
		w.write("short", []byte("x"))
		w.want(w.Finish(t.Context(), "short", 5))
		if len(w.logs) != 0 {
			t.Errorf("remembered: %v", w.logs)
		}
	})
}

func sha(p []byte) [32]byte { return sha256.Sum256(p) }
