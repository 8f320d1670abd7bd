package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/format"
	"github.com/leifengta/lft/lang/spec"
)

func (a *app) consoleVerb() *cli.Command {
	return &cli.Command{
		Name:  "console",
		Usage: "Evaluate expressions as they would be in the folder",
		Description: "Each line is one expression. On a terminal, \"exit\" or the end of the input leaves; input that is no terminal ends\n" +
			"at the first line that has no value. -scope=module.NAME goes into a module; -scope=flow.NAME or\n" +
			"-scope=flow.NAME.job.NAME gives run.*, param.* and job.* samples of the declared types, so that values of run time\n" +
			"can be tried.",
		Flags: slices.Concat(variableFlags(), []cli.Flag{
			&cli.StringFlag{Name: "scope", Usage: "the module, flow or job the expressions stand in"},
		}),
		Action: a.runConsole,
	}
}

func (a *app) runConsole(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	options, err := a.loadOptions(cmd, os.Environ())
	if err != nil {
		return err
	}
	scope := cmd.String("scope")
	if scope != "" {
		_, err := spec.ParseAddress(scope)
		if _, notModule := spec.ParseModule(scope); err != nil && notModule != nil {
			return fmt.Errorf("-scope: %w", err)
		}
	}
	console, findings := lang.NewConsole(os.DirFS("."), options, spec.Address(scope))
	a.term.Diagnostics(findings)
	if console == nil {
		return exitCode(exitError)
	}
	return a.talk(ctx, console)
}

// talk answers line by line. A person may go on after a mistake, a script not.
func (a *app) talk(ctx context.Context, console *lang.Console) error {
	interactive := a.interactive()
	lines := make(chan string)
	failed := make(chan error, 1)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(a.in)
		scanner.Buffer(nil, format.MaxFile+1)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		failed <- scanner.Err()
	}()
	for {
		if interactive {
			a.term.Printf("> ")
		}
		select {
		case <-ctx.Done():
			a.term.Printf("\n")
			return ctx.Err()
		case line, ok := <-lines:
			switch {
			case !ok && interactive:
				a.term.Printf("\n")
				return nil
			case !ok:
				return tooLong(<-failed)
			case strings.TrimSpace(line) == "":
				continue
			case interactive && (line == "exit" || line == "quit"):
				return nil
			}
			value, findings := console.Eval(line)
			a.term.Diagnostics(findings)
			if findings.HasErrors() {
				if !interactive {
					return exitCode(exitError)
				}
				continue
			}
			a.term.Value(value)
		}
	}
}

func tooLong(err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line has more than %d bytes", format.MaxFile)
	}
	return err
}

// interactive reports whether a person types the input.
func (a *app) interactive() bool {
	f, ok := a.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
