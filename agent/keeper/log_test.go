package keeper

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	r := newRig(t)
	e := r.run(sh("log", `echo out; echo err >&2; echo x > /dev/stderr; echo y > /dev/stdout; printf 'z'`))
	text := "out\nerr\nx\ny\nz"
	sum := sha256.Sum256([]byte(text))
	if got := r.spool("log"); got != text {
		t.Errorf("log %q, want %q", got, text)
	}
	if e.Log != (Log{Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}) {
		t.Errorf("%+v", e.Log)
	}
}

func TestLogCap(t *testing.T) {
	r := newRig(t)
	s := sh("cap", `head -c 1000000 /dev/zero; echo end`)
	s.LogCap = 100_001
	e := r.run(s)
	sum := sha256.Sum256(make([]byte, 100_001))
	if want := (Log{Bytes: 100_001, SHA256: hex.EncodeToString(sum[:]), Cut: 900_003}); e.Log != want || e.ExitCode != 0 {
		t.Errorf("%+v, want %+v", e, want)
	}
}

// 200 MB without a newline, with something that truncates a file in between,
// arrive whole and do not fill the keeper's memory.
func TestLargeLog(t *testing.T) {
	if testing.Short() {
		t.Skip("200 MB")
	}
	r := newRig(t)
	data := filepath.Join(t.TempDir(), "data")
	random, err := os.Open("/dev/urandom")
	if err != nil {
		t.Fatal(err)
	}
	defer random.Close()
	f, err := os.Create(data)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	half := int64(100 << 20)
	if raceEnabled {
		half = 4 << 20 // the detector makes hashing a hundred times slower
	}
	if _, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(random, half)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	whole := sha256.New()
	body, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.ReplaceAll(body, []byte("\n"), []byte("."))
	if err := os.WriteFile(data, body, 0o600); err != nil {
		t.Fatal(err)
	}
	whole.Write(body)
	whole.Write([]byte("x\n"))
	whole.Write(body)
	e := r.run(sh("large", fmt.Sprintf("cat %s; echo x > /dev/stderr; cat %s", data, data)))
	if e.Log.Bytes != int64(2*len(body)+2) || e.Log.SHA256 != hex.EncodeToString(whole.Sum(nil)) || e.Log.Cut != 0 {
		t.Errorf("%+v", e)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.c.Hello().PID))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	peak, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil || peak > 64<<10 && !raceEnabled {
		t.Errorf("the keeper had %d KiB resident (%v)", peak, err)
	}
	t.Logf("peak resident %d KiB", peak)
}

func TestFree(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	r.start(sh("free", fmt.Sprintf(`head -c 100000 /dev/zero | tr '\0' a; while [ ! -e %s/go ]; do sleep 0.005; done; head -c 100000 /dev/zero | tr '\0' b`, dir)))
	until(t, "half is written", func() bool { return len(r.spoolSoFar("free")) == 100_000 })
	r.c.Free("free", 50_000)
	if _, _, err := r.c.Tail(t.Context(), "free", 0, 10); !errors.Is(err, ErrFreed) {
		t.Errorf("tail of freed bytes: %v", err)
	}
	data, eof, err := r.c.Tail(t.Context(), "free", 99_990, 100)
	if string(data) != "aaaaaaaaaa" || eof || err != nil {
		t.Errorf("tail: %q %v %v", data, eof, err)
	}
	r.c.Free("free", 100_000) // all there is, of a job that writes on
	r.c.Free("../"+lockName, 1<<40)
	r.settle()
	if _, err := os.Stat(filepath.Join(r.dir, lockName)); err != nil {
		t.Errorf("a file that is no log was freed: %v", err)
	}
	os.WriteFile(dir+"/go", nil, 0o600)
	e := r.ended("free")
	if e.Log.Bytes != 200_000 {
		t.Errorf("%+v", e)
	}
	path := filepath.Join(SpoolDir(r.dir), "free")
	body, err := os.ReadFile(path)
	if err != nil || len(body) != 200_000 || strings.Count(string(body), "b") != 100_000 || strings.Count(string(body), "a") >= 60_000 {
		t.Errorf("spool: %d bytes, %d a, %v", len(body), strings.Count(string(body), "a"), err)
	}
	r.c.Free("free", 200_000)
	until(t, "the file is gone", func() bool { _, err := os.Stat(path); return err != nil })
}

func TestTailOfSilent(t *testing.T) {
	r := newRig(t)
	r.run(sh("silent", "true"))
	if data, eof, err := r.c.Tail(t.Context(), "silent", 0, 10); len(data) != 0 || !eof || err != nil {
		t.Errorf("%q %v %v", data, eof, err)
	}
}
