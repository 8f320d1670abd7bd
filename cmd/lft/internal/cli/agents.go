package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) agentsVerb() *cli.Command {
	return &cli.Command{
		Name:  "agents",
		Usage: "List the agents, or give an order about one",
		Flags: append(stateFlags(), jsonFlag()),
		Commands: []*cli.Command{
			a.operateVerb("drain", "Let an agent finish what it runs and give it nothing more"),
			a.operateVerb("undrain", "Give a drained agent work again"),
			a.operateVerb("release", "Let an agent out of quarantine"),
			a.operateVerb("declare-dead", "State that an agent's host is gone for good and nothing of it runs any more"),
			a.goVerb(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if verb := cmd.Args().First(); verb != "" {
				return fmt.Errorf("lft agents has no command %q; there are drain, undrain, release, declare-dead and go", verb)
			}
			c, err := a.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			res, err := c.fleet.ListAgents(ctx, &lftv1.ListAgentsRequest{})
			if err != nil {
				return err
			}
			return view.Agents(a.term, res.GetAgents(), cmd.Bool("json"), time.Now())
		},
	}
}

func (a *app) operateVerb(verb, does string) *cli.Command {
	return &cli.Command{
		Name:      verb,
		Usage:     does,
		ArgsUsage: "NAME",
		Flags:     stateFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			agent, err := oneArgument(cmd, "the name of an agent")
			if err != nil {
				return err
			}
			if err := a.operate(ctx, cmd, agent, verb); err != nil {
				return err
			}
			a.term.Notef("%s: %s\n", agent, verb)
			return nil
		},
	}
}

func (a *app) goVerb() *cli.Command {
	return &cli.Command{
		Name:  "go",
		Usage: "Wait no longer for agents that have not spoken since an older database was restored",
		Flags: stateFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return a.operate(ctx, cmd, "", "go")
		},
	}
}

func (a *app) operate(ctx context.Context, cmd *cli.Command, agent, verb string) error {
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.fleet.OperateAgent(ctx, &lftv1.OperateAgentRequest{Agent: agent, Verb: verb})
	if err != nil {
		return needsMaster(err)
	}
	return nil
}
