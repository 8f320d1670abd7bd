package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/providers"
	"github.com/leifengta/lft/providers/shell"
)

// patience bounds how long a test waits for what must come.
const patience = 20 * time.Second

// master is one that keeps to the protocol and nothing else: it orders what it
// is told to, again when an agent does not answer for it, and keeps reports.
type master struct {
	t   testing.TB
	url string

	mu       sync.Mutex
	agents   map[string]bool // by name: others may still look for a master that had this port before
	changed  chan struct{}   // closed and replaced whenever something below changes
	refuse   error           // answer to Register
	deaf     bool            // acknowledges nothing
	mute     bool            // answers nothing at all
	epoch    int64
	beat     int64
	session  int64
	bucket   string
	server   *http.Server
	addr     string
	register []*lftv1.RegisterRequest
	hellos   []*lftv1.SessionRequest
	tasks    map[string][]byte
	started  map[string]*lftv1.Report
	ended    map[string]*lftv1.Report
	repeats  map[string]int // further ends of a token
	chunks   map[string][]*lftv1.Chunk
	draining bool
	tails    map[string]*lftv1.TailData
	down     chan *lftv1.SessionResponse // of the open session
}

func newMaster(tb testing.TB) *master {
	tb.Helper()
	m := &master{
		t: tb, epoch: 1, changed: make(chan struct{}), agents: map[string]bool{},
		tasks: map[string][]byte{}, started: map[string]*lftv1.Report{}, ended: map[string]*lftv1.Report{},
		repeats: map[string]int{}, chunks: map[string][]*lftv1.Chunk{}, tails: map[string]*lftv1.TailData{},
	}
	m.serve("127.0.0.1:0")
	tb.Cleanup(m.stop)
	return m
}

// serve begins to listen, again on the same address after stop.
func (m *master) serve(addr string) {
	m.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		m.t.Fatal(err)
	}
	_, handler := lftv1connect.NewAgentServiceHandler(m)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: handler, Protocols: protocols, ReadHeaderTimeout: patience}
	m.mu.Lock()
	m.server, m.addr = server, l.Addr().String()
	m.url = "http://" + m.addr
	m.mu.Unlock()
	go func() { _ = server.Serve(l) }()
}

// stop ends the process, so to say: every connection breaks.
func (m *master) stop() {
	m.mu.Lock()
	server := m.server
	m.mu.Unlock()
	_ = server.Close()
}

func (m *master) Register(_ context.Context, req *lftv1.RegisterRequest) (*lftv1.RegisterResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.agents[req.GetIdentity().GetName()] {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("not your master"))
	}
	m.register = append(m.register, req)
	m.note()
	if m.refuse != nil {
		return nil, m.refuse
	}
	m.session++
	return &lftv1.RegisterResponse{
		Session: m.session, Epoch: m.epoch, Beat: m.beat, ClusterId: "test", Bucket: m.bucket,
	}, nil
}

func (m *master) Session(ctx context.Context, stream *connect.BidiStream[lftv1.SessionRequest, lftv1.SessionResponse]) error {
	ctx, cancel := context.WithCancel(ctx)
	down := make(chan *lftv1.SessionResponse, 10000)
	var sender sync.WaitGroup
	defer sender.Wait()
	defer cancel()
	sender.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-down:
				if stream.Send(r) != nil {
					return
				}
			}
		}
	})
	for {
		req, err := stream.Receive()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		m.hear(req, down)
	}
}

func (m *master) hear(req *lftv1.SessionRequest, down chan *lftv1.SessionResponse) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.note()
	if req.GetSession() != m.session {
		return
	}
	m.beat++
	r := &lftv1.SessionResponse{Epoch: m.epoch, Beat: m.beat, Echo: req.GetSentAt()}
	if req.GetReconciled() {
		m.down = down
		m.hellos = append(m.hellos, req)
		named := map[string]bool{}
		for _, s := range req.GetReconcile() {
			named[s.GetToken()] = true
		}
		for _, token := range slices.Sorted(maps.Keys(m.tasks)) {
			if m.ended[token] == nil && !named[token] {
				r.Orders = append(r.Orders, &lftv1.Order{Token: token, Task: m.tasks[token]})
			}
		}
	}
	m.draining = m.draining || req.GetDraining()
	for _, rep := range req.GetReports() {
		m.take(rep, r)
	}
	for _, c := range req.GetChunks() {
		m.chunks[c.GetToken()] = append(m.chunks[c.GetToken()], c)
		if !m.deaf {
			r.Acks = append(r.Acks, &lftv1.Ack{Token: c.GetToken(), Chunks: c.GetTo(), Ended: m.ended[c.GetToken()] != nil})
		}
	}
	for _, d := range req.GetTail() {
		m.tails[d.GetRequest()] = d
	}
	if !m.mute {
		down <- r
	}
}

func (m *master) take(rep *lftv1.Report, r *lftv1.SessionResponse) {
	token := rep.GetToken()
	switch {
	case !rep.GetEnded():
		m.started[token] = rep
	case m.ended[token] != nil:
		m.repeats[token]++
	default:
		m.ended[token] = rep
	}
	if !m.deaf {
		r.Acks = append(r.Acks, &lftv1.Ack{Token: token, Ended: rep.GetEnded(), Chunks: -1})
	}
}

// note wakes those who wait; the caller holds mu.
func (m *master) note() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// change alters the master under its lock.
func (m *master) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	m.note()
}

// await waits until cond holds. cond is called under the lock.
func (m *master) await(what string, cond func() bool) {
	m.t.Helper()
	deadline := time.After(patience)
	for {
		m.mu.Lock()
		ok, changed := cond(), m.changed
		m.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			m.t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}

// connected waits for the n-th session's hello.
func (m *master) connected(n int) *lftv1.SessionRequest {
	m.t.Helper()
	m.await(fmt.Sprintf("session %d", n), func() bool { return len(m.hellos) >= n })
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hellos[n-1]
}

// order tells the agent to run a shell script.
func (m *master) order(token, script string) {
	m.t.Helper()
	m.orderTask(token, task(m.t, script))
}

func (m *master) orderTask(token string, task []byte) {
	m.change(func() {
		m.tasks[token] = task
		if m.down != nil {
			m.send(&lftv1.SessionResponse{Orders: []*lftv1.Order{{Token: token, Task: task}}})
		}
	})
}

// send puts a message on the open session; the caller holds mu.
func (m *master) send(r *lftv1.SessionResponse) {
	r.Epoch, r.Beat = m.epoch, m.beat
	m.down <- r
}

func (m *master) kill(token string) {
	m.change(func() { m.send(&lftv1.SessionResponse{Kills: []*lftv1.Kill{{Token: token, Why: "cancelled"}}}) })
}

// end waits for the end of an attempt.
func (m *master) end(token string) *lftv1.Report {
	m.t.Helper()
	m.await("the end of "+token, func() bool { return m.ended[token] != nil })
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended[token]
}

func (m *master) start(token string) {
	m.t.Helper()
	m.await("the start of "+token, func() bool { return m.started[token] != nil })
}

// task is a script as the master sends it.
func task(tb testing.TB, script string) []byte {
	tb.Helper()
	return anyTask(tb, map[string]any{"script": script}, nil)
}

func anyTask(tb testing.TB, args map[string]any, change func(*providers.Task)) []byte {
	tb.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := shell.Type{}.Generate(text)
	if err != nil {
		tb.Fatal(err)
	}
	task := providers.Task{Type: "shell", Body: body, KillGrace: 200_000}
	if change != nil {
		change(&task)
	}
	out, err := json.Marshal(task)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}
