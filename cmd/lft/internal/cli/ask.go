package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"github.com/leifengta/lft/lang"
)

// questioner asks a person for the values of variables, each once: a folder may
// be loaded twice.
type questioner struct {
	app      *app
	ctx      context.Context //nolint:containedctx // of the one load that it is made for
	answered map[string]string
	hidden   func(context.Context) (string, error) // reads a line that is not shown
}

// questioner is nil when there is nobody to ask: a person types and reads, and has
// not forbidden it.
func (a *app) questioner(ctx context.Context, cmd *cli.Command) *questioner {
	if _, asJSON, err := form(cmd); err != nil || asJSON || !a.interactive() || !a.term.Live() || !mayAsk(cmd, os.Getenv) {
		return nil
	}
	return &questioner{app: a, ctx: ctx, answered: map[string]string{}, hidden: a.readHidden}
}

// ask is lang.Options.Ask. Nobody is asked anything more once ctx ended.
func (q *questioner) ask(v lang.Wanted) (string, bool) {
	if text, ok := q.answered[v.Name]; ok {
		return text, true
	}
	if q.ctx.Err() != nil {
		return "", false
	}
	q.app.term.AskVariable(v.Name, v.Description)
	read := func(ctx context.Context) (string, error) { return answer(ctx, q.app.readLine) }
	if v.Sensitive {
		read = q.hidden
	}
	text, err := read(q.ctx)
	q.app.term.Printf("\n")
	if err != nil {
		return "", false
	}
	q.answered[v.Name] = text
	return text, true
}

// answer reads what a person types; whoever ends ctx is not kept waiting for his own
// answer.
func answer[T string | []byte](ctx context.Context, read func() (T, error)) (T, error) {
	type reply struct {
		text T
		err  error
	}
	replied := make(chan reply, 1)
	go func() {
		text, err := read()
		replied <- reply{text, err}
	}()
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case r := <-replied:
		return r.text, r.err
	}
}

// readLine reads a line without its end. One reader serves all questions, or what
// was typed ahead would be lost.
func (a *app) readLine() (string, error) {
	if a.lines == nil {
		a.lines = bufio.NewReader(a.in)
	}
	line, err := a.lines.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

// readHidden reads a line that a terminal does not show, and leaves the terminal as
// it was, even when ctx ends.
func (a *app) readHidden(ctx context.Context) (string, error) {
	fd := int(a.in.(*os.File).Fd()) //nolint:forcetypeassert // it is a terminal
	state, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, state) }()
	return answer(ctx, func() (string, error) {
		line, err := term.ReadPassword(fd)
		return string(line), err
	})
}
