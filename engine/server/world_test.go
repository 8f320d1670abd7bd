package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/server"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
)

// world is what a server delegates to, in memory. Its maps are filled by a test
// before the first request, or under mu.
type world struct {
	mu         sync.Mutex
	executions []record.Execution // newest first
	jobs       map[string][]record.Job
	attempts   map[string][]record.Attempt
	fires      []store.Decided
	chunks     map[string][]record.Chunk
	ends       map[string]record.LogEnd
	projects   []record.Project
	objects    map[string][]record.Object // by project uid
	specs      map[string][]byte
	agents     []record.Agent
	blobs      map[string][]byte

	startErr error
	started  []kernel.Start

	overrides []record.Override
	orphaned  bool // nobody acts
	tail      func(token string, from int64) (master.Tail, error)
}

func newWorld() *world {
	return &world{
		jobs:     map[string][]record.Job{},
		attempts: map[string][]record.Attempt{},
		chunks:   map[string][]record.Chunk{},
		ends:     map[string]record.LogEnd{},
		objects:  map[string][]record.Object{},
		specs:    map[string][]byte{},
		blobs:    map[string][]byte{},
		tail: func(string, int64) (master.Tail, error) {
			return master.Tail{}, master.ErrNotConnected
		},
	}
}

// serve starts a server on the world and returns its address.
func (w *world) serve(t *testing.T) string {
	t.Helper()
	handler := server.New(server.Deps{
		History: w, Logs: w, Definitions: w, Present: w, Overrides: w, Runs: w,
		Leader: func(context.Context) (server.Leader, error) {
			if w.orphaned {
				return server.Leader{Epoch: 3}, nil
			}
			return server.Leader{Address: "127.0.0.1:7001", Epoch: 3, Since: 1_000_000, Self: true}, nil
		},
		Bucket:  server.Bucket{Bucket: w},
		Version: "test",
		Log:     slog.New(slog.DiscardHandler),
	})
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func (w *world) client(t *testing.T) lftv1connect.RunServiceClient {
	t.Helper()
	return lftv1connect.NewRunServiceClient(http.DefaultClient, w.serve(t))
}

// deploy makes flows part of a project.
func (w *world) deploy(project string, flows ...*spec.Flow) {
	p := record.Project{UID: "uid-" + project, Name: project, Revision: 1}
	w.projects = append(w.projects, p)
	for _, f := range flows {
		data := f.Canonical()
		digest := spec.Digest(data)
		w.specs[digest] = data
		w.objects[p.UID] = append(w.objects[p.UID], record.Object{
			ProjectUID: p.UID, UID: "uid-" + string(f.Address), Kind: spec.FlowKind, Address: string(f.Address), Digest: digest, From: 1,
		})
	}
}

// ship puts bytes [from, to) of a log into the bucket, with their manifest row.
func (w *world) ship(token string, log []byte, from, to int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := blob.LogKey(token, from, to)
	w.blobs[key] = append([]byte("head"), log[from:to]...)
	sum := sha256.Sum256(log[from:to])
	w.chunks[token] = append(w.chunks[token], record.Chunk{
		Token: token, From: from, To: to, Object: key, ObjectOffset: int64(len("head")), SHA256: hex.EncodeToString(sum[:]),
	})
}

// end writes the end row of a log.
func (w *world) end(token string, bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[token] = record.LogEnd{Token: token, Bytes: bytes, State: record.LogEOF}
}

func (w *world) Overrides(_ context.Context, projectUID string) (list []record.Override, _ error) {
	for _, o := range w.overrides {
		if projectUID == "" || o.ProjectUID == projectUID {
			list = append(list, o)
		}
	}
	return list, nil
}

// Override keeps it as the kernel would an object that declares false.
func (w *world) Override(_ context.Context, o kernel.Override) (bool, error) {
	w.overrides = slices.DeleteFunc(w.overrides, func(old record.Override) bool { return old.Object == string(o.Object) })
	if o.Value != "" {
		w.overrides = append(w.overrides, record.Override{
			ProjectUID: o.ProjectUID, ObjectUID: "uid-" + string(o.Object), Object: string(o.Object), Field: o.Field,
			Value: o.Value, Declared: "false", Reason: o.Reason, By: o.By, At: 1_000_000,
		})
	}
	return true, nil
}

func (w *world) Execution(_ context.Context, id string) (record.Execution, bool, error) {
	for _, e := range w.executions {
		if e.ID == id {
			return e, true, nil
		}
	}
	return record.Execution{}, false, nil
}

func (w *world) Executions(_ context.Context, p store.ExecutionPage) (page []record.Execution, _ error) {
	for _, e := range w.executions {
		older := p.Before == 0 || e.CreatedAt < p.Before || e.CreatedAt == p.Before && e.ID < p.ID
		asked := (p.Flow == "" || p.Flow == e.Flow) && (p.FlowUID == "" || p.FlowUID == e.FlowUID)
		if older && asked && len(page) < p.Limit {
			page = append(page, e)
		}
	}
	return page, nil
}

func (w *world) Jobs(_ context.Context, id string, numbers ...int32) (list []record.Job, _ error) {
	for _, j := range w.jobs[id] {
		if len(numbers) == 0 || slices.Contains(numbers, j.Number) {
			list = append(list, j)
		}
	}
	return list, nil
}

func (w *world) Attempts(_ context.Context, id string, numbers ...int32) (list []record.Attempt, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.attempts[id] {
		if len(numbers) == 0 || slices.Contains(numbers, a.Number) {
			list = append(list, a)
		}
	}
	return list, nil
}

func (w *world) Fires(_ context.Context, p store.FirePage) (page []store.Decided, _ error) {
	for _, d := range w.fires {
		older := p.Before == 0 || d.Key() < p.Before || d.Key() == p.Before && d.UID() < p.BeforeUID
		asked := p.ScheduleUID == d.UID()
		if p.ScheduleUID == "" {
			asked = d.Fire == nil || p.Schedule == d.Fire.Schedule // ranges here are of one schedule
		}
		if older && asked && len(page) < p.Limit {
			page = append(page, d)
		}
	}
	return page, nil
}

func (w *world) LogEnds(context.Context, string) (map[string]record.LogEnd, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]record.LogEnd{}
	for token, end := range w.ends {
		all[token] = end
	}
	return all, nil
}

func (w *world) LogEnd(_ context.Context, token string) (record.LogEnd, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end, ok := w.ends[token]
	return end, ok, nil
}

func (w *world) Chunks(_ context.Context, token string, from int64, limit int) (page []record.Chunk, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.chunks[token] {
		if c.To > from && len(page) < limit {
			page = append(page, c)
		}
	}
	return page, nil
}

func (w *world) Projects(context.Context) ([]record.Project, error) { return w.projects, nil }

func (w *world) Project(_ context.Context, name string) (record.Project, bool, error) {
	for _, p := range w.projects {
		if p.Name == name {
			return p, true, nil
		}
	}
	return record.Project{}, false, nil
}

func (w *world) Objects(_ context.Context, uid string, revision int64) (list []record.Object, _ error) {
	for _, o := range w.objects[uid] {
		if revision == 0 && o.Until == 0 || revision > 0 && o.From <= revision && (o.Until == 0 || revision < o.Until) {
			list = append(list, o)
		}
	}
	return list, nil
}

func (w *world) Specs(_ context.Context, digests []string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, d := range digests {
		if data, ok := w.specs[d]; ok {
			found[d] = data
		}
	}
	return found, nil
}

func (w *world) Now(context.Context) (record.Time, error)       { return 5_000_000, nil }
func (w *world) Agents(context.Context) ([]record.Agent, error) { return w.agents, nil }
func (w *world) AgentUse(context.Context) (map[string]int32, error) {
	return map[string]int32{"a": 1}, nil
}

func (w *world) PoolHolders(context.Context, string) ([]record.Holder, error) { return nil, nil }

func (w *world) LiveExecutions(_ context.Context, flowUID string) (list []record.Execution, _ error) {
	for _, e := range slices.Backward(w.executions) {
		if e.FlowUID == flowUID && !e.State.Terminal() {
			list = append(list, e)
		}
	}
	return list, nil
}

func (w *world) Start(_ context.Context, s kernel.Start) (string, error) {
	w.started = append(w.started, s)
	return "made-id", w.startErr
}

func (w *world) Cancel(context.Context, string, string) error { return kernel.ErrUnknown }
func (w *world) Nudge()                                       {}

func (w *world) Tail(_ context.Context, _, token string, from int64, _ int) (master.Tail, error) {
	return w.tail(token, from)
}

func (w *world) Get(_ context.Context, key string, off, n int64) (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	data, ok := w.blobs[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, blob.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(data[off:min(off+n, int64(len(data)))])), nil
}

func (w *world) Put(context.Context, string, io.Reader, int64) error { return nil }
func (w *world) Delete(context.Context, string) error                { return nil }
func (w *world) List(context.Context, string) iter.Seq2[blob.Object, error] {
	return func(func(blob.Object, error) bool) {}
}
