package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang"
)

// asking is a questioner with an input, and what it shows.
func asking(ctx context.Context, in io.Reader) (*questioner, *bytes.Buffer) {
	out := new(bytes.Buffer)
	a := &app{in: in, term: view.NewTerminal(out, io.Discard, func(string) string { return "" })}
	return &questioner{
		app: a, ctx: ctx, answered: map[string]string{},
		hidden: func(context.Context) (string, error) { return "unseen", nil },
	}, out
}

// TestAsk: the questions are Terraform's, each is asked once, and no answer is lost
// that was typed ahead.
func TestAsk(t *testing.T) {
	q, out := asking(t.Context(), strings.NewReader("first\r\n\nthird"))
	for _, one := range []struct {
		wanted lang.Wanted
		text   string
		ok     bool
	}{
		{lang.Wanted{Name: "a", Description: "What it is.\nAnd more."}, "first", true},
		{lang.Wanted{Name: "a"}, "first", true},
		{lang.Wanted{Name: "b"}, "", true},
		{lang.Wanted{Name: "c"}, "third", true},
		{lang.Wanted{Name: "d"}, "", false},
		{lang.Wanted{Name: "secret", Sensitive: true}, "unseen", true},
	} {
		if text, ok := q.ask(one.wanted); text != one.text || ok != one.ok {
			t.Errorf("%v: %q %v, want %q %v", one.wanted, text, ok, one.text, one.ok)
		}
	}
	want := "var.a\n  What it is.\n  And more.\n\n  Enter a value: \nvar.b\n\n  Enter a value: \n"
	if !strings.HasPrefix(out.String(), want) || strings.Count(out.String(), "var.a") != 1 {
		t.Errorf("asked %q, want %q first", out, want)
	}
}

// TestAskInterrupted: neither is anybody kept waiting, nor asked again.
func TestAskInterrupted(t *testing.T) {
	in, never := io.Pipe()
	defer never.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q, out := asking(ctx, in)
	if _, ok := q.ask(lang.Wanted{Name: "a"}); ok || out.Len() > 0 {
		t.Errorf("answered %v, asked %q", ok, out)
	}
	if _, err := answer(ctx, q.app.readLine); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestNobodyToAsk: a pipe is no person.
func TestNobodyToAsk(t *testing.T) {
	q, _ := asking(t.Context(), strings.NewReader("x\n"))
	if q.app.questioner(t.Context(), &cli.Command{}) != nil {
		t.Error("a pipe is asked")
	}
}
