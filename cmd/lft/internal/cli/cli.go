// Package cli is the command line: one file a verb, each of them arguments →
// one call → view.
//
// A verb is a function that returns its *cli.Command; all of them stand in one
// visible list (app.verbs). It promises Terraform's habits: flags with one or
// two dashes, before or after arguments, data on stdout and findings on stderr,
// one table of exit codes (exit.go). It never holds logic that another client of
// the API would miss, never prints but through view, and never calls os.Exit.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang/diag"
)

// Streams are what a verb reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is what every verb has at hand.
type app struct {
	version string
	in      io.Reader
	term    *view.Terminal
}

// Main runs lft with the arguments after its name and returns the exit code of
// the process. The first end of ctx asks the verb to stop cleanly.
func Main(ctx context.Context, version string, args []string, streams Streams) int {
	a := &app{version: version, in: streams.In, term: view.NewTerminal(streams.Out, streams.Err, os.Getenv)}
	err := a.command().Run(ctx, append([]string{"lft"}, args...))
	return a.end(ctx, err)
}

// verbs is every verb, in the order of the help: definitions, runs, processes,
// and what lft says of itself.
func (a *app) verbs() []*cli.Command {
	return []*cli.Command{
		a.fmtVerb(),
		a.validateVerb(),
		a.planVerb(),
		a.applyVerb(),
		a.destroyVerb(),
		a.showVerb(),
		a.historyVerb(),

		a.runVerb(),
		a.runsVerb(),
		a.statusVerb(),
		a.whyVerb(),
		a.logsVerb(),
		a.firesVerb(),
		a.cancelVerb(),

		a.masterVerb(),
		a.agentsVerb(),
		a.serverVerb(),
		a.agentVerb(),
		a.keeperVerb(),
		a.devVerb(),

		a.providersVerb(),
		a.versionVerb(),
	}
}

func (a *app) command() *cli.Command {
	verbs := a.verbs()
	for _, verb := range verbs {
		dress(verb)
	}
	return &cli.Command{
		Name:                          "lft",
		Usage:                         "a distributed job scheduler managed like Terraform",
		Version:                       a.version,
		HideVersion:                   true, // a verb of its own, with -json
		HideHelpCommand:               true,
		EnableShellCompletion:         true,
		DisableSliceFlagSeparator:     true, // -var list=[1,2] is one value
		Writer:                        a.term.Out,
		ErrWriter:                     a.term.Err,
		CustomRootCommandHelpTemplate: rootHelp,
		OnUsageError:                  usage,
		ExitErrHandler:                func(context.Context, *cli.Command, error) {}, // Main turns errors into codes
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "chdir", Local: true, Usage: "switch to this folder before anything else"},
		},
		Before:   changeFolder,
		Commands: verbs,
		Action:   a.noVerb,
	}
}

// dress gives a verb, and the verbs below it, the help and the words of lft.
func dress(verb *cli.Command) {
	verb.CustomHelpTemplate = verbHelp
	verb.OnUsageError = usage
	for _, below := range verb.Commands {
		dress(below)
	}
}

// changeFolder obeys -chdir, which comes before the verb, so that every relative
// path of the verb is meant from there.
func changeFolder(ctx context.Context, cmd *cli.Command) (context.Context, error) {
	dir := cmd.Root().String("chdir")
	if dir == "" {
		return ctx, nil
	}
	if err := os.Chdir(dir); err != nil {
		return ctx, fmt.Errorf("-chdir: %w", err)
	}
	return ctx, nil
}

// noVerb answers a line without a verb, or with one that does not exist.
func (a *app) noVerb(_ context.Context, cmd *cli.Command) error {
	name := cmd.Args().First()
	if name == "" {
		return cli.ShowRootCommandHelp(cmd)
	}
	var names []string
	for _, verb := range cmd.Commands {
		names = append(names, verb.Name)
	}
	if near := diag.Suggest(name, names); near != "" {
		return fmt.Errorf("lft has no command %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("lft has no command %q; lft -help lists them", name)
}

// usage words what is wrong with a verb's flags.
func usage(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	text := strings.Replace(err.Error(), "flag provided but not defined:", "unknown flag", 1)
	return fmt.Errorf("%s; %s -help lists the flags", text, cmd.FullName())
}

// noArguments refuses arguments where a verb takes none.
func noArguments(cmd *cli.Command) error {
	if cmd.Args().Present() {
		return fmt.Errorf("%s takes no arguments, got %q", cmd.FullName(), cmd.Args().First())
	}
	return nil
}

// oneArgument returns the only argument, named what in the message.
func oneArgument(cmd *cli.Command, what string) (string, error) {
	switch cmd.Args().Len() {
	case 1:
		return cmd.Args().First(), nil
	case 0:
		return "", fmt.Errorf("%s needs %s", cmd.FullName(), what)
	default:
		return "", fmt.Errorf("%s takes %s and nothing more, got %q", cmd.FullName(), what, cmd.Args().Get(1))
	}
}
