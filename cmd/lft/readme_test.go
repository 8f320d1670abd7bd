package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var tourFence = regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$")

// TestReadmeTour runs the tour of the README as it is written there: each block of commands by a shell that stops at the
// first failure, in one folder; then each line of the block of text that follows is in what they printed, in that order.
func TestReadmeTour(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, _ := strings.Cut(string(readme), "\n## Ten minutes\n")
	tour, _, found := strings.Cut(tour, "\n## ")
	if !found {
		t.Fatal("the README has no tour")
	}
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "shops")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	printed, blocks := "", 0
	for _, m := range tourFence.FindAllStringSubmatch(tour, -1) {
		if blocks++; m[1] == "text" {
			for line := range strings.Lines(m[2]) {
				_, rest, ok := strings.Cut(printed, strings.TrimSpace(line))
				if !ok {
					t.Fatalf("%q does not follow in:\n%s", line, printed)
				}
				printed = rest
			}
			continue
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", m[2])
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "NO_COLOR=1")
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s\n%v:\n%s", m[2], err, out.String())
		}
		printed = out.String()
	}
	if blocks < 6 {
		t.Errorf("the tour has %d blocks", blocks)
	}
}
