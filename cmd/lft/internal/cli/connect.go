package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
)

// client is the API of lft, wherever it answers. Close it after the verb.
type client struct {
	deploy lftv1connect.DeployServiceClient
	run    lftv1connect.RunServiceClient
	fleet  lftv1connect.FleetServiceClient

	close func() error
}

// Close ends what connect has started.
func (c *client) Close() error { return c.close() }

// stateFlags say where the state is, for every verb that asks for it.
func stateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "state", Usage: "the database: mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH (LFT_STATE)"},
		&cli.StringFlag{Name: "master", Usage: "a comma-separated list of masters to ask instead (LFT_MASTER)"},
	}
}

// connect finds the state a verb works on and returns its API.
func (a *app) connect(_ context.Context, _ *cli.Command) (*client, error) {
	return nil, errors.New("internal error: no engine in this build")
}
