package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// TestFmtInterrupted: who presses Ctrl-C is not kept waiting for the end of his own input.
func TestFmtInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in, out := io.Pipe()
	defer out.Close()
	var stdout, stderr bytes.Buffer
	code := Main(ctx, "test", []string{"fmt", "-"}, Streams{In: in, Out: &stdout, Err: &stderr})
	if code != exitError || stdout.Len() > 0 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit code %d, %q, %q", code, &stdout, &stderr)
	}
}
