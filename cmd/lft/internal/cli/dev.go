package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/sync/errgroup"

	"github.com/leifengta/lft/agent"
	"github.com/leifengta/lft/engine"
	"github.com/leifengta/lft/providers/builtin"
)

// embeddedSlots is how many jobs run at a time when master and agent are one
// process: it is a person's machine, and that person waits.
const embeddedSlots = 16

func (a *app) devVerb() *cli.Command {
	return &cli.Command{
		Name:  "dev",
		Usage: "Be master and agent of this folder, with schedules firing",
		Description: "The state is in .lft/ of the folder. It never applies anything: lft apply in another terminal does.\n" +
			"One SIGINT drains and ends it; jobs that run go on and are taken over by the next one.",
		Flags: []cli.Flag{listenFlag(), verboseFlag()},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			cfg := a.embedded(defaultState, engine.ModeDev)
			cfg.Listen, cfg.Log = cmd.String("listen"), a.logger(cmd)
			if err := makeFolders(cfg); err != nil {
				return err
			}
			e, err := a.openAsOwner(ctx, cfg)
			if err != nil {
				return err
			}
			a.term.Notef("lft dev %s listens on http://%s; the state is in %s\n", a.version, e.Addr(), filepath.Dir(cfg.Blobs))
			return errors.Join(a.host(ctx, e, cfg), e.Close())
		},
	}
}

// How long whoever wants to own a file waits for its owner: longer than a verb owns
// it for its own duration, and not in silence.
const (
	ownWithin = 3 * time.Second
	ownSilent = 500 * time.Millisecond
)

// openAsOwner waits for verbs that own the file for a moment, and refuses when
// its owner stays.
func (a *app) openAsOwner(ctx context.Context, cfg engine.Config) (*engine.Engine, error) {
	began, said := time.Now(), false
	for {
		e, err := engine.Open(ctx, cfg)
		if !errors.Is(err, engine.ErrOwned) {
			return e, err
		}
		switch waited := time.Since(began); {
		case waited > ownWithin:
			return nil, fmt.Errorf("%w; only one lft dev, lft server or lft run can work on it", err)
		case waited > ownSilent && !said:
			a.term.Notef("%v; waiting for it to end\n", err)
			said = true
		}
		if !pause(ctx, 20*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// embedded is an engine in this process. Beside a file of state lie the logs and
// the agent's directory; what is shared has its own elsewhere.
func (a *app) embedded(state string, mode engine.Mode) engine.Config {
	cfg := engine.Config{
		State:    state,
		Version:  a.version,
		Mode:     mode,
		JobTypes: builtin.Set(),
		Log:      slog.New(slog.DiscardHandler),
		By:       localName(),
	}
	if path, ok := strings.CutPrefix(state, "sqlite://"); ok {
		cfg.Migrate = true // a file has one owner, so no older lft is at work on it
		cfg.Blobs = filepath.Join(filepath.Dir(path), "blobs")
	}
	return cfg
}

// makeFolders makes the folders of an embedded state and of its logs.
func makeFolders(cfg engine.Config) error {
	path, ok := strings.CutPrefix(cfg.State, "sqlite://")
	if !ok {
		return nil
	}
	for what, dir := range map[string]string{"state": filepath.Dir(path), "logs": cfg.Blobs} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("the folder of the %s: %w", what, err)
		}
	}
	return nil
}

// host runs an engine together with an agent in this process, until ctx ends or
// one of them fails. The agent stops first: its last reports need a master.
func (a *app) host(ctx context.Context, e *engine.Engine, cfg engine.Config) error {
	argv, err := keeperArgv()
	if err != nil {
		return err
	}
	client, base := e.Client()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, working := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer stop()
		defer client.CloseIdleConnections() // or the engine waits for them
		return agent.Run(working, agent.Config{
			Masters:    []string{base},
			HTTP:       client,
			Name:       "local",
			Dir:        filepath.Join(filepath.Dir(cfg.Blobs), "agent"),
			Slots:      embeddedSlots,
			JobTypes:   cfg.JobTypes,
			Version:    a.version,
			Log:        cfg.Log,
			KeeperArgv: argv,
			StopKeeper: true,
		})
	})
	g.Go(func() error { return e.Run(serving) })
	return g.Wait()
}
