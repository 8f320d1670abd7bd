// Package server is the API: Connect handlers over the store, the acting master
// and the deploy service, one file a service.
//
// Handlers translate and delegate; what is decided is decided elsewhere. The
// package promises one converter between rows and messages (convert.go), one
// table of codes (errors.go), one gate before every RPC that knows who asks and
// denies by default (intercept.go), and that an answer needs memory bounded by
// one page, one chunk or one execution, however long the history or the log. Reads
// work on every server; what only the acting master can do is answered elsewhere with
// its address. It never writes a row: changes and their audit rows are made by
// deploy and by the kernel, in the same transaction.
package server

import (
	"context"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
)

// maxRequest bounds one message of a client.
const maxRequest = 4 << 20

// Deps is what the handlers delegate to.
type Deps struct {
	History     History
	Logs        Logs
	Definitions Definitions
	Present     Present
	Overrides   Overrides
	Deploy      *deploy.Service
	Depot       *deploy.Depot
	Runs        Runs
	Fleet       Fleet
	Leader      func(context.Context) (Leader, error)
	Bucket      Bucket
	Version     string
	Log         *slog.Logger
}

// Leader is who acts as master, as far as this server knows.
type Leader struct {
	Address string // "" when nobody acts
	Epoch   int64
	Since   record.Time
	Self    bool
}

// Bucket is where logs are, and what an agent is told about it.
type Bucket struct {
	blob.Bucket
	Address string // e.g. file:///var/lib/lft/blobs
	Cluster string // id that its marker holds
}

// Runs is the acting master, as far as executions go.
type Runs interface {
	Start(ctx context.Context, s kernel.Start) (id string, err error)
	Cancel(ctx context.Context, execution, by string) error
	// Override reports whether it changed anything.
	Override(ctx context.Context, o kernel.Override) (changed bool, err error)
	Tail(ctx context.Context, agentUID, token string, from int64, limit int) (master.Tail, error)
	// Nudge tells that there is a new revision.
	Nudge()
}

// Fleet is the acting master, as far as agents go.
type Fleet interface {
	Register(ctx context.Context, a record.Agent, maxEpoch int64) (master.Registration, error)
	Session(ctx context.Context, agentUID string, session int64) (*master.Session, error)
	Operate(ctx context.Context, agent, verb, by string) error
}

// New returns the handler of all services.
func New(d Deps) http.Handler {
	g := gate{log: d.Log}
	options := []connect.HandlerOption{
		connect.WithInterceptors(g),
		connect.WithRecover(g.recovered),
		connect.WithReadMaxBytes(maxRequest),
	}
	mux := http.NewServeMux()
	mux.Handle(lftv1connect.NewRunServiceHandler(&runs{deps: d}, options...))
	mux.Handle(lftv1connect.NewDeployServiceHandler(&definitions{deps: d}, options...))
	mux.Handle(lftv1connect.NewFleetServiceHandler(&fleet{deps: d}, options...))
	mux.Handle(lftv1connect.NewAgentServiceHandler(&agents{deps: d}, options...))
	return fence(mux)
}
