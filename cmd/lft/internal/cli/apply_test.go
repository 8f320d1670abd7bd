package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/planner"
)

// approval asks for a plan's approval with an input.
func approval(ctx context.Context, in io.Reader, destroy bool) (string, error) {
	var out bytes.Buffer
	a := &app{in: in, term: view.NewTerminal(&out, io.Discard, func(string) string { return "" })}
	p := &planner.Plan{Project: planner.Project{Name: "p"}}
	if destroy {
		p.Mode = planner.Destroy
	}
	err := a.approve(ctx, p)
	return out.String(), err
}

func TestApprove(t *testing.T) {
	for in, want := range map[string]string{
		"yes\n":   "",
		"yes\r\n": "",
		"yes":     "",
		"Yes\n":   "cancelled",
		"y\n":     "cancelled",
		" yes\n":  "cancelled",
		"\n":      "cancelled",
		"":        "nobody answers",
	} {
		for _, destroy := range []bool{false, true} {
			asked, err := approval(t.Context(), strings.NewReader(in), destroy)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%q, destroy %v: %v, want %q", in, destroy, err, want)
			}
			if !strings.Contains(asked, "Only 'yes' will be accepted") {
				t.Errorf("asked %q", asked)
			}
		}
	}
}

// TestApproveInterrupted: a person who presses Ctrl-C at the question is not kept
// waiting for his own answer.
func TestApproveInterrupted(t *testing.T) {
	in, never := io.Pipe()
	defer never.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	const want = "interrupted; nothing was changed"
	if _, err := approval(ctx, in, false); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	for range 20 { // the answer may come first
		if _, err := approval(ctx, strings.NewReader("no\n"), false); err == nil || err.Error() != want {
			t.Fatalf("error %v", err)
		}
	}
}
