package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/lang/spec"
)

// witness appends "start NAME" and "stop NAME" to a file that lft never reads.
func witness(path, name string) *spec.Job {
	script := fmt.Sprintf(`echo "start $LFT_JOB" >> %[1]s; echo "log of $LFT_JOB"; echo "stop $LFT_JOB" >> %[1]s`, path)
	return command("/bin/sh", "-c", script)
}

// checkChain makes sure that n jobs ran once each, in order.
func checkChain(t *testing.T, path string, n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i := range n {
		fmt.Fprintf(&want, "start j%05d\nstop j%05d\n", i, i)
	}
	if string(text) != want.String() {
		t.Errorf("the witness saw\n%s", text)
	}
}

func TestEmbedded(t *testing.T) {
	n := start(t, engine.Config{State: sqlite(t), Mode: engine.ModeDev})
	join(t, "local", 4, n.http, n.base)
	testRun(t, n)
}

// TestStateIsTheOwnersAlone: what jobs wrote and were given is nobody else's.
func TestStateIsTheOwnersAlone(t *testing.T) {
	state := sqlite(t)
	n := start(t, engine.Config{State: state, Mode: engine.ModeDev})
	join(t, "local", 1, n.http, n.base)
	n.apply(chain("c", 1, func(int) *spec.Job { return command("/bin/echo", "secret") }))
	n.succeed(n.begin("flow.c", "x"))
	dir, seen := filepath.Dir(strings.TrimPrefix(state, "sqlite://")), 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		seen++
		if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || seen < 4 {
		t.Errorf("%d files, %v", seen, err)
	}
}

func TestMariaDB(t *testing.T) {
	n := start(t, engine.Config{State: mariadb(t), Mode: engine.ModeServer, Listen: "127.0.0.1:0"})
	join(t, "local", 4, nil, "http://"+n.engine.Addr())
	testRun(t, n)
}

// testRun runs a flow through everything there is.
func testRun(t *testing.T, n *node) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "witness")
	n.apply(chain("c", 8, func(i int) *spec.Job { return witness(path, fmt.Sprint(i)) }))
	id := n.begin("flow.c", "first")
	res := n.succeed(id)
	checkChain(t, path, 8)
	for _, j := range res.GetJobs() {
		if a := j.GetAttempts(); len(a) != 1 || a[0].GetOutcome() != "succeeded" || a[0].GetExitCode() != 0 {
			t.Errorf("%s: %v", j.GetName(), a)
		}
	}
	// The same id again is the same run.
	if again := n.begin("flow.c", "first"); again != id {
		t.Errorf("the same id gave %q", again)
	}
	checkChain(t, path, 8)
	if log := n.log(id, "j00003"); log != "log of j00003\n" {
		t.Errorf("log %q", log)
	}
}

// log reads an attempt's log to its end.
func (n *node) log(id, job string) string {
	n.tb.Helper()
	stream, err := n.run.ReadLog(n.tb.Context(), &lftv1.ReadLogRequest{Id: id, Job: job, Follow: true})
	if err != nil {
		n.tb.Fatal(err)
	}
	defer stream.Close()
	var text bytes.Buffer
	for stream.Receive() {
		text.Write(stream.Msg().GetData())
	}
	if err := stream.Err(); err != nil && !errors.Is(err, io.EOF) {
		n.tb.Fatal(err)
	}
	return text.String()
}

func TestListenRefusesOthers(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "nonsense"} {
		_, err := engine.Open(t.Context(), engine.Config{State: sqlite(t), Listen: address, Mode: engine.ModeDev})
		if err == nil || !strings.Contains(err.Error(), "listen on") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestOwned(t *testing.T) {
	state := sqlite(t)
	start(t, engine.Config{State: state, Mode: engine.ModeDev})
	if _, err := engine.Open(t.Context(), engine.Config{State: state, Mode: engine.ModeRead}); !errors.Is(err, engine.ErrOwned) {
		t.Errorf("second owner: %v", err)
	}
}
