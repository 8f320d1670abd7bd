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
		Description: "Each line is one expression; one with an open bracket or heredoc goes on in the next line. \"exit\" or the end of\n" +
			"the input leaves; input that is no terminal ends at the first expression that has no value.\n" +
			"-scope=module.NAME goes into a module; -scope=flow.NAME or -scope=flow.NAME.job.NAME gives run.*, param.* and job.*\n" +
			"samples of the declared types, so that values of run time can be tried.",
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
	var input lang.Input
	for {
		a.prompt(interactive, input.Open())
		select {
		case <-ctx.Done():
			a.term.Printf("\n")
			return ctx.Err()
		case line, ok := <-lines:
			var source string
			whole := true
			switch {
			case !ok && interactive:
				a.term.Printf("\n")
				return nil
			case !ok && !input.Open():
				return tooLong(<-failed)
			case !ok:
				source = input.End()
			case !input.Open() && leaves(strings.TrimSpace(line)):
				return nil
			case interactive && !input.Open() && strings.TrimSpace(line) == "help":
				a.term.Printf("%s\n", consoleHelp)
				continue
			default:
				source, whole = input.Add(line)
			}
			if !whole || source == "" {
				continue
			}
			if !a.evaluate(console, source) && !interactive {
				return exitCode(exitError)
			}
		}
	}
}

const consoleHelp = `An expression is answered by its value; an open bracket or heredoc goes on in the next line.
type(EXPRESSION) answers its type. "exit" leaves, and so does the end of the input.`

func leaves(line string) bool { return line == "exit" || line == "quit" }

// prompt asks a person for a line.
func (a *app) prompt(interactive, open bool) {
	switch {
	case interactive && open:
		a.term.Printf(": ")
	case interactive:
		a.term.Printf("> ")
	}
}

// evaluate shows the value of an expression, and reports whether it has one.
func (a *app) evaluate(console *lang.Console, source string) bool {
	value, findings := console.Eval(source)
	a.term.Diagnostics(findings)
	if findings.HasErrors() {
		return false
	}
	a.term.Value(value)
	return true
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
