package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/engine"
	"github.com/leifengta/lft/providers/builtin"
)

// defaultListen is where a server and `lft dev` answer.
const defaultListen = "127.0.0.1:7420"

func listenFlag() cli.Flag {
	return &cli.StringFlag{Name: "listen", Value: defaultListen, Usage: "HOST:PORT on the loopback interface; port 0 takes a free one"}
}

func verboseFlag() cli.Flag {
	return &cli.BoolFlag{Name: "verbose", Usage: "log every request"}
}

func (a *app) serverVerb() *cli.Command {
	return &cli.Command{
		Name:  "server",
		Usage: "Be a master: act, or stand by for the one that does",
		Description: "Several servers on one database elect the acting one; the others take over when it is gone. An empty\n" +
			"database gets its schema, an older one needs -migrate once.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "state", Sources: cli.EnvVars("LFT_STATE"), Usage: "the database: mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH"},
			listenFlag(),
			&cli.StringFlag{Name: "blobs", Usage: "the directory of logs and shared files, the same for all servers and agents"},
			&cli.BoolFlag{Name: "migrate", Usage: "bring an older schema up to date"},
			verboseFlag(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			switch {
			case cmd.String("state") == "":
				return errors.New("lft server needs -state (or LFT_STATE): mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH")
			case cmd.String("blobs") == "":
				return errors.New("lft server needs -blobs: the directory of logs and shared files")
			}
			// A bucket that is not this cluster's is refused by its marker.
			if err := os.MkdirAll(cmd.String("blobs"), 0o777); err != nil {
				return fmt.Errorf("-blobs: %w", err)
			}
			e, err := a.openAsOwner(ctx, engine.Config{
				State:    cmd.String("state"),
				Listen:   cmd.String("listen"),
				Blobs:    cmd.String("blobs"),
				Version:  a.version,
				Mode:     engine.ModeServer,
				Migrate:  cmd.Bool("migrate"),
				JobTypes: builtin.Set(),
				Log:      a.logger(cmd),
				By:       localName(),
			})
			if err != nil {
				return err
			}
			a.term.Notef("lft server %s listens on http://%s\n", a.version, e.Addr())
			return errors.Join(e.Run(ctx), e.Close())
		},
	}
}

// logger is the log of a process that stays: on Err, for people.
func (a *app) logger(cmd *cli.Command) *slog.Logger {
	level := slog.LevelInfo
	if cmd.Bool("verbose") {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.term.Err, &slog.HandlerOptions{Level: level}))
}
