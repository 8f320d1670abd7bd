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
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
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
	lines   *bufio.Reader // of in, once something was asked
	term    *view.Terminal
	cache   *parseCache // once something was planned
	room    []byte      // roomForGarbage, once a folder was read
}

// Main runs lft with the arguments after its name and returns the exit code of
// the process. The first end of ctx asks the verb to stop cleanly.
func Main(ctx context.Context, version string, args []string, streams Streams) int {
	a := &app{version: version, in: streams.In, term: view.NewTerminal(streams.Out, streams.Err, os.Getenv)}
	root := a.command()
	args, err := withEnvironment(root, args, os.Getenv)
	if err == nil {
		err = root.Run(ctx, append([]string{"lft"}, args...))
	}
	return a.end(ctx, err)
}

// group is a heading of the help with the verbs below it.
type group struct {
	title string
	verbs []*cli.Command
}

// groups is every verb, in the order of the help: those of every day first.
func (a *app) groups() []group {
	return []group{
		{"Main commands", []*cli.Command{
			a.initVerb(), a.validateVerb(), a.planVerb(), a.applyVerb(), a.destroyVerb(),
		}},
		{"Definitions", []*cli.Command{
			a.consoleVerb(), a.diffVerb(), a.explainVerb(), a.fmtVerb(), a.functionsVerb(), a.graphVerb(), a.historyVerb(),
			a.outputVerb(), a.providersVerb(), a.rollbackVerb(), a.showVerb(), a.stateVerb(),
		}},
		{"Executions", []*cli.Command{
			a.cancelVerb(), a.firesVerb(), a.logsVerb(), a.pauseVerb(), a.poolVerb(), a.resumeVerb(),
			a.runVerb(), a.runsVerb(), a.statusVerb(), a.whyVerb(),
		}},
		{"Processes", []*cli.Command{
			a.agentVerb(), a.agentsVerb(), a.devVerb(), a.keeperVerb(), a.masterVerb(), a.serverVerb(),
		}},
		{"lft itself", []*cli.Command{
			a.completionVerb(), a.completeVerb(), a.helpVerb(), a.versionVerb(),
		}},
	}
}

func (a *app) command() *cli.Command {
	groups := a.groups()
	var verbs []*cli.Command
	for _, g := range groups {
		for _, verb := range g.verbs {
			verb.Category = g.title
			verbs = append(verbs, verb)
		}
	}
	for _, verb := range verbs {
		dress(verb, verb.Name)
	}
	return &cli.Command{
		Name:                          "lft",
		Usage:                         "a distributed job scheduler managed like Terraform",
		Version:                       a.version,
		HideVersion:                   true, // a verb of its own, with -json
		HideHelpCommand:               true, // and so is this
		DisableSliceFlagSeparator:     true, // -var list=[1,2] is one value
		Writer:                        a.term.Out,
		ErrWriter:                     a.term.Err,
		CustomRootCommandHelpTemplate: rootHelpOf(groups),
		OnUsageError:                  usage,
		ExitErrHandler:                func(context.Context, *cli.Command, error) {}, // Main turns errors into codes
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "chdir", Local: true, Usage: "switch to this folder before anything else"},
			&cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Local: true, Usage: "show the version, as the verb does"},
			&cli.BoolFlag{Name: "no-color", Usage: "write no colors; any verb takes it, too"},
			&cli.BoolFlag{Name: "force-color", Usage: "write colors even to a file; any verb takes it, too"},
		},
		Before:   a.before,
		Commands: verbs,
		Action:   a.noVerb,
	}
}

// dress gives a verb, and the verbs below it, the help and the words of lft.
func dress(verb *cli.Command, top string) {
	verb.CustomHelpTemplate = verbHelp
	// With -help, an argument is taken for the name of a verb below.
	verb.CommandNotFound = func(_ context.Context, cmd *cli.Command, _ string) { printHelp(cmd) }
	verb.OnUsageError = usage
	verb.Metadata = map[string]any{}
	if text := exitHelp(top); text != "" {
		verb.Metadata["exits"] = text
	}
	if ignored := ignoredFlags(verb.Name); ignored != nil && verb.Name == top {
		verb.Flags = append(verb.Flags, ignored...)
		verb.Metadata["ignored"] = "-" + strings.Join(namesOf(ignored), ", -")
	}
	for _, below := range verb.Commands {
		below.Hidden = true // or the library shows a help of its own; verbHelp lists them all
		dress(below, top)
	}
}

// before obeys what every verb takes.
func (a *app) before(ctx context.Context, cmd *cli.Command) (context.Context, error) {
	if cmd.Bool("no-color") {
		a.term.Color(false)
	}
	if cmd.Bool("force-color") {
		a.term.Color(true)
	}
	if verb := cmd.Command(cmd.Args().First()); verb != nil && !verb.Hidden {
		warnUnread(os.Getenv, a.term.Notef)
	}
	return changeFolder(ctx, cmd)
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
	switch {
	case cmd.Bool("version"):
		return a.showVersion(false)
	case name == "":
		return cli.ShowRootCommandHelp(cmd)
	}
	return noSuchVerb(cmd, name)
}

// noSuchVerb is the error of a word that is no verb, with the nearest one.
func noSuchVerb(cmd *cli.Command, name string) error {
	under := strings.TrimSpace(strings.TrimPrefix(cmd.FullName(), cmd.Root().Name))
	if instead := foreignVerb(under, name); instead != "" {
		return fmt.Errorf("%s has no command %q: %s", cmd.FullName(), name, instead)
	}
	var names []string
	for _, verb := range cmd.Commands {
		if !verb.Hidden || cmd != cmd.Root() {
			names = append(names, verb.Name)
		}
	}
	if near := diag.Suggest(name, names); near != "" {
		return fmt.Errorf("%s has no command %q; did you mean %q?", cmd.FullName(), name, near)
	}
	return fmt.Errorf("%s has no command %q; %s -help lists them", cmd.FullName(), name, cmd.FullName())
}

// usage words what is wrong with a verb's flags.
func usage(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	err = wrongFlag(cmd, err)
	if cmd.Name == "diff" {
		return &codedError{code: exitTrouble, err: err}
	}
	return err
}

func wrongFlag(cmd *cli.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if word := cmd.Args().First(); unknown && word != "" && len(cmd.Commands) > 0 && cmd.ArgsUsage == "" {
		return noSuchVerb(cmd, word) // whose flag it would be
	}
	if !unknown {
		return fmt.Errorf("%w; %s -help lists the flags", err, cmd.FullName())
	}
	text := "unknown flag -" + name
	if instead := foreignFlag(cmd.Name, name); instead != "" {
		return fmt.Errorf("%s: %s", text, instead)
	}
	if near := diag.Suggest(name, flagNames(cmd)); near != "" {
		return fmt.Errorf("%s; did you mean -%s? %s -help lists the flags", text, near, cmd.FullName())
	}
	return fmt.Errorf("%s; %s -help lists the flags", text, cmd.FullName())
}

// flagNames are the flags that may stand behind a verb.
func flagNames(cmd *cli.Command) []string {
	names := namesOf(slices.Concat(cmd.VisibleFlags(), cmd.VisiblePersistentFlags()))
	slices.Sort(names)
	return slices.Compact(names)
}

func namesOf(flags []cli.Flag) []string {
	names := make([]string, len(flags))
	for i, flag := range flags {
		names[i] = flag.Names()[0]
	}
	return names
}

// noArguments refuses arguments where a verb takes none.
func noArguments(cmd *cli.Command) error {
	if !cmd.Args().Present() {
		return nil
	}
	word, hint := cmd.Args().First(), ""
	if info, err := os.Stat(word); err == nil && info.IsDir() {
		hint = fmt.Sprintf("; another folder is named before the command: lft -chdir=%s %s", word, cmd.Name)
	} else if _, err := spec.ParseAddress(word); err == nil && slices.Contains(flagNames(cmd), "target") {
		hint = "; one object is aimed at by -target=" + word
	} else if err == nil && slices.Contains(flagNames(cmd), "flow") {
		hint = "; those of one flow are asked for by -flow=" + word
	}
	return fmt.Errorf("%s takes no arguments, got %q%s", cmd.FullName(), word, hint)
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
