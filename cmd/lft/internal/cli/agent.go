package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/agent"
	"github.com/leifengta/lft/agent/depcache"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/providers/builtin"
)

func (a *app) agentVerb() *cli.Command {
	return &cli.Command{
		Name:  "agent",
		Usage: "Run jobs on this host for a master",
		Description: "An agent dials out and has no port. A first SIGTERM or SIGINT drains it: jobs that run go on, and the\n" +
			"next agent in the same directory takes them over.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "master", Sources: cli.EnvVars("LFT_MASTER"), Usage: "a comma-separated list of masters"},
			&cli.StringFlag{Name: "name", Usage: "name of this agent (default: the host's name)"},
			&cli.StringFlag{Name: "dir", Value: ".lft/agent", Usage: "its identity, journal, keeper and spool; one agent each"},
			&cli.IntFlag{Name: "slots", Usage: "attempts at a time (default: two for each CPU)"},
			&cli.StringFlag{Name: "labels", Usage: "what jobs may ask for: KEY=VALUE,KEY=VALUE"},
			&cli.IntFlag{Name: "cache", Value: depcache.DefaultMaxBytes >> 20, Usage: "MiB of dependencies it keeps"},
			verboseFlag(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			masters, err := masterList(cmd.String("master"))
			if err != nil {
				return err
			}
			labels, err := labelMap(cmd.String("labels"))
			if err != nil {
				return err
			}
			if cmd.IsSet("slots") && cmd.Int("slots") < 1 {
				return fmt.Errorf("-slots is at least 1, got %d", cmd.Int("slots"))
			}
			if cmd.Int("cache") < 1 {
				return fmt.Errorf("-cache is at least 1, got %d", cmd.Int("cache"))
			}
			argv, err := keeperArgv()
			if err != nil {
				return err
			}
			return agent.Run(ctx, agent.Config{
				Masters:    masters,
				Name:       cmd.String("name"),
				Dir:        cmd.String("dir"),
				Slots:      cmd.Int("slots"),
				Labels:     labels,
				JobTypes:   builtin.Set(),
				Version:    a.version,
				Log:        a.logger(cmd),
				KeeperArgv: argv,

				DependencyBytes: int64(cmd.Int("cache")) << 20,
			})
		},
	}
}

// masterList reads the addresses of a comma-separated list as base URLs.
func masterList(text string) ([]string, error) {
	var urls []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		base, err := baseURL(part)
		if err != nil {
			return nil, err
		}
		urls = append(urls, base.String())
	}
	if len(urls) == 0 {
		return nil, errors.New("no master named; -master (or LFT_MASTER) takes a comma-separated list such as http://" + defaultListen)
	}
	return urls, nil
}

// labelMap reads KEY=VALUE,KEY=VALUE.
func labelMap(text string) (map[string]string, error) {
	labels := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("-labels: %q is not KEY=VALUE", part)
		}
		if _, twice := labels[key]; twice {
			return nil, fmt.Errorf("-labels: %q is given twice", key)
		}
		labels[key] = value
	}
	return labels, nil
}

// keeperArgv starts this same program as a keeper.
func keeperArgv() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, which is also the keeper: %w", err)
	}
	return []string{self, "keeper"}, nil
}

func (a *app) keeperVerb() *cli.Command {
	return &cli.Command{
		Name:   "keeper",
		Usage:  "Be the parent of an agent's jobs; agents start it",
		Hidden: true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Required: true, Usage: "the agent's directory"},
			verboseFlag(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return keeper.Main(ctx, cmd.String("dir"), a.version, a.logger(cmd))
		},
	}
}
