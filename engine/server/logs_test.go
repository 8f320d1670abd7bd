package server_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
)

const token = "t0123"

// logged is a world with one job that has made one attempt.
func logged(state record.AttemptState) *world {
	w := newWorld()
	w.executions = []record.Execution{{ID: "x", State: record.Running}}
	w.jobs["x"] = []record.Job{{Execution: "x", Number: 0, Name: "idle", State: record.JobSkipped}, {Execution: "x", Number: 1, Name: "j", State: record.JobActive}}
	w.attempts["x"] = []record.Attempt{
		{Execution: "x", Number: 1, N: 1, AgentUID: "a1", Token: "t-old", State: record.Ended},
		{Execution: "x", Number: 1, N: 2, Token: token, State: state, AgentUID: "a", Agent: "anna"},
	}
	return w
}

func noise(n int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	source.Read(data)
	return data
}

// read collects a log; the last message is returned whole.
func read(t *testing.T, w *world, req *lftv1.ReadLogRequest) ([]byte, *lftv1.ReadLogResponse, error) {
	t.Helper()
	req.Id = "x"
	stream, err := w.client(t).ReadLog(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var got bytes.Buffer
	var last *lftv1.ReadLogResponse
	for stream.Receive() {
		last = stream.Msg()
		if len(last.GetData()) > 256<<10 {
			t.Errorf("a frame of %d bytes", len(last.GetData()))
		}
		if want := req.GetFrom() + int64(got.Len()); last.GetFrom() != want {
			t.Errorf("a frame from %d, want %d", last.GetFrom(), want)
		}
		got.Write(last.GetData())
	}
	return got.Bytes(), last, stream.Err()
}

func TestReadLogOfManyChunks(t *testing.T) {
	log := noise(3<<20 + 17)
	w := logged(record.Ended)
	// The second and third overlap, as they do after an agent's crash.
	w.ship(token, log, 0, 1<<20)
	w.ship(token, log, 1<<20, 2<<20)
	w.ship(token, log, 1<<20+5, 2<<20+9)
	w.ship(token, log, 2<<20+9, int64(len(log)))
	w.end(token, int64(len(log)))
	for _, from := range []int64{0, 1, 1<<20 - 1, 1 << 20, 2<<20 + 3, int64(len(log)) - 1, int64(len(log))} {
		got, last, err := read(t, w, &lftv1.ReadLogRequest{Job: "j", From: from})
		if err != nil || !bytes.Equal(got, log[from:]) {
			t.Errorf("from %d: %d bytes, %v; want %d", from, len(got), err, len(log)-int(from))
		}
		if last.GetState() != "eof" {
			t.Errorf("from %d: ends %q", from, last.GetState())
		}
	}
}

func TestReadLogFindsTheAttempt(t *testing.T) {
	w := logged(record.Ended)
	w.ship("t-old", []byte("first"), 0, 5)
	w.ship(token, []byte("second"), 0, 6)
	w.end("t-old", 5)
	w.end(token, 6)
	for n, want := range map[int32]string{0: "second", 1: "first", 2: "second"} {
		got, _, err := read(t, w, &lftv1.ReadLogRequest{Job: "j", Attempt: n})
		if err != nil || string(got) != want {
			t.Errorf("attempt %d: %q, %v", n, got, err)
		}
	}
	for _, tc := range []struct {
		req  *lftv1.ReadLogRequest
		code connect.Code
		text string
	}{
		{&lftv1.ReadLogRequest{Job: "j", Attempt: 3}, connect.CodeNotFound, "no attempt 3"},
		{&lftv1.ReadLogRequest{Job: "idle"}, connect.CodeFailedPrecondition, "has made no attempt"},
		{&lftv1.ReadLogRequest{Job: "idle", Follow: true}, connect.CodeFailedPrecondition, "has made no attempt"},
		{&lftv1.ReadLogRequest{Job: "nope"}, connect.CodeNotFound, `no job "nope"`},
		{&lftv1.ReadLogRequest{Job: "j", From: -1}, connect.CodeInvalidArgument, "no byte -1"},
	} {
		_, _, err := read(t, w, tc.req)
		if connect.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%v: %v", tc.req, err)
		}
	}
}

func TestReadLogRefusesDamage(t *testing.T) {
	log := noise(600 << 10)
	for name, damage := range map[string]func(*world, record.Chunk){
		"flipped byte": func(w *world, c record.Chunk) { w.blobs[c.Object][len(w.blobs[c.Object])-1] ^= 1 },
		"cut object":   func(w *world, c record.Chunk) { w.blobs[c.Object] = w.blobs[c.Object][:1000] },
		"gone object":  func(w *world, c record.Chunk) { delete(w.blobs, c.Object) },
	} {
		w := logged(record.Ended)
		w.ship(token, log, 0, int64(len(log)))
		w.end(token, int64(len(log)))
		damage(w, w.chunks[token][0])
		got, _, err := read(t, w, &lftv1.ReadLogRequest{Job: "j"})
		if connect.CodeOf(err) != connect.CodeDataLoss {
			t.Errorf("%s: %v after %d bytes", name, err, len(got))
		}
		if !bytes.HasPrefix(log, got) {
			t.Errorf("%s: wrong bytes were sent", name)
		}
	}
}

// TestReadLogFollows lets a job write on: some of it is shipped, some is on the
// agent, then it ends.
func TestReadLogFollows(t *testing.T) {
	log := noise(700 << 10)
	w := logged(record.AttemptRunning)
	w.ship(token, log, 0, 100<<10)
	step := 0
	w.tail = func(_ string, from int64) (master.Tail, error) {
		step++
		switch {
		case step == 1: // a spool that was freed up to here: look at the rows again
			w.ship(token, log, 100<<10, 200<<10)
			return master.Tail{From: 200 << 10}, nil
		case from < 500<<10:
			return master.Tail{From: from, Data: log[from:min(from+(64<<10), 500<<10)]}, nil
		case step < 8:
			return master.Tail{From: from}, nil // nothing new
		case step == 8:
			return master.Tail{}, master.ErrNotConnected
		default:
			w.ship(token, log, 200<<10, int64(len(log)))
			w.end(token, int64(len(log)))
			return master.Tail{}, master.ErrNotConnected
		}
	}
	got, last, err := read(t, w, &lftv1.ReadLogRequest{Job: "j", Follow: true})
	if err != nil || !bytes.Equal(got, log) || last.GetState() != "eof" {
		t.Errorf("%d bytes of %d, state %q, %v", len(got), len(log), last.GetState(), err)
	}
}

func TestReadLogOfARunningJobEndsWhereItIs(t *testing.T) {
	w := logged(record.AttemptRunning)
	w.tail = func(_ string, from int64) (master.Tail, error) {
		return master.Tail{From: from, Data: []byte("so far")[from:]}, nil
	}
	got, last, err := read(t, w, &lftv1.ReadLogRequest{Job: "j"})
	if err != nil || string(got) != "so far" || last.GetState() != "" {
		t.Errorf("%q, state %q, %v", got, last.GetState(), err)
	}
}

func TestReadLogLeadsToTheLeader(t *testing.T) {
	w := logged(record.AttemptRunning)
	w.tail = func(string, int64) (master.Tail, error) {
		return master.Tail{}, &master.NotLeader{Leader: "127.0.0.1:7002"}
	}
	_, _, err := read(t, w, &lftv1.ReadLogRequest{Job: "j"})
	if got := leaderIn(t, err); got != "127.0.0.1:7002" {
		t.Errorf("leader %q in %v", got, err)
	}
}
