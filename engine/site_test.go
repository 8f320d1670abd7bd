package engine_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	_ "github.com/go-sql-driver/mysql"

	"github.com/leifengta/lft/agent"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/engine"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers/builtin"
)

// TestMain is also the keeper: agents start this same binary as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "keeper" {
		err := keeper.Main(context.Background(), os.Args[3], "", slog.New(slog.DiscardHandler))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// sqlite is an embedded state of its own.
func sqlite(tb testing.TB) string {
	tb.Helper()
	return "sqlite://" + filepath.Join(tb.TempDir(), "lft.db")
}

// mariadb is an empty database of its own on the server of LFT_TEST_MYSQL.
func mariadb(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv("LFT_TEST_MYSQL")
	if server == "" {
		if strings.Contains(os.Getenv("LFT_TEST_REQUIRE"), "mysql") {
			tb.Fatal("LFT_TEST_MYSQL names no server")
		}
		tb.Skip("not tried on MariaDB: LFT_TEST_MYSQL names no server")
	}
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	db, err := sql.Open("mysql", fmt.Sprintf("%s@tcp(%s)/", u.User, u.Host))
	if err != nil {
		tb.Fatal(err)
	}
	name := "engine_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(tb.Context(), "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		db.Exec("DROP DATABASE " + name) // the server may be gone
		db.Close()
	})
	u.Path = "/" + name
	return u.String()
}

// node is an engine of this process that runs.
type node struct {
	tb     testing.TB
	engine *engine.Engine
	base   string
	http   *http.Client
	run    lftv1connect.RunServiceClient
	deploy lftv1connect.DeployServiceClient
	fleet  lftv1connect.FleetServiceClient
	stop   func() // ends it as SIGTERM does; may be called twice
}

func start(tb testing.TB, cfg engine.Config) *node {
	tb.Helper()
	if cfg.Blobs == "" {
		cfg.Blobs = tb.TempDir()
	}
	cfg.JobTypes, cfg.Version, cfg.By = builtin.Set(), "test", "tester"
	cfg.Log = logger(tb)
	e, err := engine.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	n := &node{tb: tb, engine: e}
	n.http, n.base = e.Client()
	ended := false
	n.stop = func() {
		if ended {
			return
		}
		ended = true
		n.http.CloseIdleConnections()
		cancel()
		if err := errors.Join(<-done, e.Close()); err != nil {
			tb.Errorf("engine: %v", err)
		}
	}
	tb.Cleanup(n.stop)
	n.run = lftv1connect.NewRunServiceClient(n.http, n.base)
	n.deploy = lftv1connect.NewDeployServiceClient(n.http, n.base)
	n.fleet = lftv1connect.NewFleetServiceClient(n.http, n.base)
	return n
}

// logger writes to the test's log when -v is given.
func logger(tb testing.TB) *slog.Logger {
	tb.Helper()
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// join runs an agent of this process against masters. The returned function
// ends it.
func join(tb testing.TB, name string, slots int, client *http.Client, masters ...string) func() {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	dir, err := os.MkdirTemp("", "lft-agent-") //nolint:usetesting // short, for the keeper's socket
	if err != nil {
		tb.Fatal(err)
	}
	go func() {
		done <- agent.Run(ctx, agent.Config{
			Masters: masters, HTTP: client, Name: name, Dir: dir, Slots: slots,
			JobTypes: builtin.Set(), Version: "test", Log: logger(tb),
			KeeperArgv: []string{self, "keeper"}, StopKeeper: true,
		})
	}()
	ended := false
	leave := func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("agent %s: %v", name, err)
		}
		os.RemoveAll(dir)
	}
	tb.Cleanup(leave)
	return leave
}

// apply makes the flows (and schedules) the newest revision of project p.
func (n *node) apply(objects ...any) {
	n.tb.Helper()
	n.applyTo("p", objects...)
}

func (n *node) applyTo(project string, objects ...any) {
	n.tb.Helper()
	ctx := n.tb.Context()
	var base int64
	deployed := map[string]*lftv1.Object{}
	got, err := n.deploy.GetDeployed(ctx, &lftv1.GetDeployedRequest{Project: project})
	if err != nil {
		n.tb.Fatal(err)
	}
	base = got.GetProject().GetRevision()
	for _, o := range got.GetObjects() {
		deployed[o.GetAddress()] = o
	}
	set := &lftv1.ChangeSet{Project: project, Lineage: "lineage-" + project, Origin: "test", BaseRevision: base}
	var specs []*lftv1.Spec
	for _, o := range objects {
		var address spec.Address
		var data []byte
		switch o := o.(type) {
		case *spec.Flow:
			address, data = o.Address, o.Canonical()
		case *spec.Schedule:
			address, data = o.Address, o.Canonical()
		case *spec.Pool:
			address, data = o.Address, o.Canonical()
		}
		c := &lftv1.Change{Action: "create", Kind: address.Kind(), Address: string(address), Digest: spec.Digest(data)}
		if old := deployed[string(address)]; old != nil {
			c.Action, c.Uid, c.BaseVersion = "update", old.GetUid(), old.GetVersion()
		}
		set.Changes = append(set.Changes, c)
		specs = append(specs, &lftv1.Spec{Digest: c.GetDigest(), Data: data})
	}
	for some := range slices.Chunk(specs, 100) {
		if _, err := n.deploy.PutSpecs(ctx, &lftv1.PutSpecsRequest{Specs: some}); err != nil {
			n.tb.Fatal(err)
		}
	}
	_, err = n.deploy.Apply(ctx, &lftv1.ApplyRequest{ApplyId: rand.Text(), Changes: set})
	if err != nil {
		n.tb.Fatal(err)
	}
}

// begin starts an execution once a master acts.
func (n *node) begin(flow, id string) string {
	n.tb.Helper()
	var res *lftv1.RunResponse
	n.await("a master that acts", func() bool {
		var err error
		res, err = n.run.Run(n.tb.Context(), &lftv1.RunRequest{Project: "p", Flow: flow, Id: id})
		if err != nil && connect.CodeOf(err) != connect.CodeUnavailable {
			n.tb.Fatal(err)
		}
		return err == nil
	})
	return res.GetId()
}

func (n *node) status(id string) *lftv1.GetExecutionResponse {
	n.tb.Helper()
	res, err := n.run.GetExecution(n.tb.Context(), &lftv1.GetExecutionRequest{Id: id})
	if err != nil {
		n.tb.Fatal(err)
	}
	return res
}

// ended asks for an execution without its jobs.
func (n *node) ended(id string) bool {
	n.tb.Helper()
	res, err := n.run.ListExecutions(n.tb.Context(), &lftv1.ListExecutionsRequest{Limit: 40})
	if err != nil {
		n.tb.Fatal(err)
	}
	for _, x := range res.GetExecutions() {
		if x.GetId() == id {
			return x.GetEndedAt() != nil
		}
	}
	return false
}

// finish waits until an execution has ended and returns it.
func (n *node) finish(id string) *lftv1.GetExecutionResponse {
	n.tb.Helper()
	n.await("the end of "+id, func() bool { return n.ended(id) })
	return n.status(id)
}

// succeed waits for an execution that must succeed.
func (n *node) succeed(id string) *lftv1.GetExecutionResponse {
	n.tb.Helper()
	res := n.finish(id)
	if res.GetExecution().GetState() != "SUCCEEDED" {
		for _, j := range res.GetJobs() {
			if j.GetState() != "SUCCEEDED" {
				n.tb.Logf("%s: %s %s %s %v", j.GetName(), j.GetState(), j.GetReason(), j.GetMessage(), j.GetAttempts())
			}
		}
		n.tb.Fatalf("%s ended %s", id, res.GetExecution().GetState())
	}
	return res
}

// agents waits until so many agents are active.
func (n *node) agents(want int) {
	n.tb.Helper()
	n.await(fmt.Sprint(want, " active agents"), func() bool {
		res, err := n.fleet.ListAgents(n.tb.Context(), &lftv1.ListAgentsRequest{})
		if err != nil {
			n.tb.Fatal(err)
		}
		active := 0
		for _, a := range res.GetAgents() {
			if a.GetState() == "ACTIVE" {
				active++
			}
		}
		return active >= want
	})
}

const patience = 30 * time.Second

func (n *node) await(what string, ok func() bool) {
	n.tb.Helper()
	wait := time.Millisecond
	for deadline := time.Now().Add(patience); !ok(); wait = min(wait*2, 16*time.Millisecond) {
		if time.Now().After(deadline) {
			n.tb.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(wait) // the API has no call that waits
	}
}

func (n *node) stats() master.Stats { return n.engine.Stats() }

// chain is a flow of n jobs in a row.
func chain(name string, n int, make func(i int) *spec.Job) *spec.Flow {
	f := &spec.Flow{Address: spec.FlowAddress(name, "")}
	for i := range n {
		j := make(i)
		j.Name = fmt.Sprintf("j%05d", i)
		if i > 0 {
			j.Upstreams = []string{fmt.Sprintf("j%05d", i-1)}
		}
		f.Jobs = append(f.Jobs, j)
	}
	return f
}

// fan is a flow of n jobs that do not know each other.
func fan(name string, n int, make func(i int) *spec.Job) *spec.Flow {
	f := chain(name, n, make)
	for _, j := range f.Jobs {
		j.Upstreams = nil
	}
	return f
}

// command is a shell job that runs argv.
func command(argv ...string) *spec.Job {
	text, err := json.Marshal(argv)
	if err != nil {
		panic(err)
	}
	return &spec.Job{Type: "shell", Args: map[string]*spec.Value{"command": {Literal: text}}}
}

func noop(int) *spec.Job { return &spec.Job{Type: "noop", Kind: spec.KindInstant} }
