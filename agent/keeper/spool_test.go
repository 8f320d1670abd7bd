package keeper

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// A job whose log finds no room waits until there is some; one that is silent
// does not.
func TestQuotaBlocks(t *testing.T) {
	const quota, volume = 256 << 10, 1 << 20
	r := newRig(t, fmt.Sprint("LFT_TEST_QUOTA=", quota))
	done := filepath.Join(t.TempDir(), "done")
	r.start(sh("chatty", fmt.Sprintf(`head -c %d /dev/zero | tr '\0' a; touch %s`, volume, done)))
	size := func() int64 {
		st, err := os.Stat(filepath.Join(SpoolDir(r.dir), "chatty"))
		if errors.Is(err, fs.ErrNotExist) {
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	until(t, "the quota is used up", func() bool { return size() > quota-readSize })
	r.run(sh("silent", "true"))
	if _, err := os.Stat(done); err == nil || size() > quota {
		t.Errorf("the job went on with %d bytes in a spool of %d", size(), quota)
	}
	sum := sha256.New()
	for at := int64(0); at < volume; {
		data, _, err := r.c.Tail(t.Context(), "chatty", at, readSize)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(data)
		at += int64(len(data))
		r.c.Free("chatty", at)
	}
	e := r.ended("chatty")
	if e.ExitCode != 0 || e.Log != (Log{Bytes: volume, SHA256: hex.EncodeToString(sum.Sum(nil))}) {
		t.Errorf("%+v", e)
	}
}

// What a job is killed for must not depend on room for its log. What its pipe
// held is kept.
func TestKillOfBlocked(t *testing.T) {
	const quota, volume = 256 << 10, 296 << 10 // what finds no room is less than a pipe holds
	r := newRig(t, fmt.Sprint("LFT_TEST_QUOTA=", quota))
	done := filepath.Join(t.TempDir(), "done")
	r.start(sh("chatty", fmt.Sprintf(`head -c %d /dev/zero; touch %s; exec sleep 1000`, volume, done)))
	until(t, "all is written", func() bool {
		_, err := os.Stat(done)
		return err == nil
	})
	r.c.Kill("chatty", "asked for")
	e := r.ended("chatty")
	sum := sha256.Sum256([]byte(r.spool("chatty")))
	if e.Signal != "SIGTERM" || e.Log.Bytes != volume || e.Log.Cut != 0 || e.Log.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", e)
	}
}

// A disk that takes nothing makes a job wait, and when it is dead costs what it
// had still to say.
func TestDiskRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newSpools(filepath.Join(t.TempDir(), "spool"), SpoolQuota, new(gate), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(s.dir); err != nil {
			t.Fatal(err)
		}
		write := func(token string) (*spool, chan struct{}) {
			log, done := s.newSpool(token, DefaultLogCap, nil, func() {}), make(chan struct{})
			go func() {
				defer close(done)
				s.gate.enter()
				log.append([]byte("said"))
				s.gate.leave()
			}()
			synctest.Wait()
			return log, done
		}
		dead, given := write("dead")
		close(dead.hurry)
		<-given
		if dead.bytes.Load() != 0 || dead.cut.Load() != 4 || s.used != 0 {
			t.Errorf("of a dead job: %d bytes kept, %d cut, %d used", dead.bytes.Load(), dead.cut.Load(), s.used)
		}
		patient, kept := write("patient")
		select {
		case <-kept:
			t.Error("it does not wait")
		default:
		}
		if err := os.Mkdir(s.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		<-kept
		if patient.bytes.Load() != 4 || patient.cut.Load() != 0 || s.used != 4 {
			t.Errorf("of a living job: %d bytes kept, %d cut, %d used", patient.bytes.Load(), patient.cut.Load(), s.used)
		}
		if text, err := os.ReadFile(s.path("patient")); string(text) != "said" {
			t.Errorf("log %q, %v", text, err)
		}
	})
}

// A file of an earlier keeper counts by what is left of it, however often it is
// freed.
func TestQuotaOfLeftovers(t *testing.T) {
	dir := t.TempDir()
	const size = 64 * block
	for _, token := range []string{"old", "other", "holes"} {
		if err := os.WriteFile(filepath.Join(dir, token), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	punch(t, filepath.Join(dir, "old"), 16*block)
	punch(t, filepath.Join(dir, "holes"), size)
	s, err := newSpools(dir, SpoolQuota, new(gate), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(size + 48*block); s.used != want {
		t.Fatalf("%d bytes used, want %d", s.used, want)
	}
	k := &keeper{spools: s, logger: s.log}
	for _, step := range []struct{ to, left int64 }{{32 * block, 32 * block}, {32 * block, 32 * block}, {48 * block, 16 * block}, {size, 0}, {size, 0}} {
		k.free(freeOrder{Token: "old", To: step.to})
		if s.used != size+step.left {
			t.Errorf("freed up to %d: %d bytes used, want %d", step.to, s.used, size+step.left)
		}
	}
	k.free(freeOrder{Token: "holes", To: size})
	if s.used != size {
		t.Errorf("freed what holds nothing: %d bytes used, want %d", s.used, size)
	}
	if freed, err := s.free("other", 0, 2*block-1, false); freed != block || s.used != size-block || err != nil {
		t.Errorf("freed nearly two blocks: %d, %d bytes used, %v", freed, s.used, err)
	}
}

func punch(t *testing.T, path string, to int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, to)
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("the file system of temporary files knows no holes")
	}
	if err != nil {
		t.Fatal(err)
	}
}
