// Package view turns results into text and JSON for people and scripts.
//
// It is the only package that knows colours, widths and the wording of tables.
// It promises that data goes to Terminal.Out and findings to Terminal.Err, that
// colour appears only on a terminal without NO_COLOR, and that equal results
// give equal bytes. It never asks the engine anything and decides nothing.
package view

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal is where a verb speaks to its user.
type Terminal struct {
	Out io.Writer // data
	Err io.Writer // findings and progress

	outColor, errColor bool
	outTTY             bool
	width              int
}

// plainWidth is the width of text that does not go to a terminal.
const plainWidth = 78

// NewTerminal wraps the two streams of a process. getenv is os.Getenv or a
// test's own.
func NewTerminal(out, err io.Writer, getenv func(string) string) *Terminal {
	may := getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	t := &Terminal{Out: out, Err: err, width: plainWidth}
	if width, ok := ttyWidth(out); ok {
		t.outTTY, t.outColor, t.width = true, may, width
	}
	if _, ok := ttyWidth(err); ok {
		t.errColor = may
	}
	return t
}

func ttyWidth(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = plainWidth
	}
	return width, true
}

// Color decides over colors by hand, which beats what was found out.
func (t *Terminal) Color(on bool) { t.outColor, t.errColor = on, on }

// Live reports whether Out is a terminal, where progress may be redrawn.
func (t *Terminal) Live() bool { return t.outTTY }

// Width is the number of columns text on Out may take.
func (t *Terminal) Width() int { return t.width }

// Printf writes to Out.
func (t *Terminal) Printf(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }

// Notef writes to Err: progress and hints that are no data.
func (t *Terminal) Notef(format string, args ...any) { fmt.Fprintf(t.Err, format, args...) }

// JSON writes v to Out, indented, with a newline at the end.
func (t *Terminal) JSON(v any) error {
	enc := json.NewEncoder(t.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Error shows why a verb failed.
func (t *Terminal) Error(err error) {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	head, rest, _ := strings.Cut(strings.Join(lines, "\n"), "\n")
	fmt.Fprintf(t.Err, "%s %s\n", paint(t.errColor, red, "Error:"), paint(t.errColor, bold, head))
	if rest != "" {
		fmt.Fprintf(t.Err, "\n%s\n", rest)
	}
}

// style is an SGR sequence.
type style string

const (
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// Style paints text that goes to Out, when Out shows colours.
func (t *Terminal) Style(s style, text string) string { return paint(t.outColor, s, text) }

func paint(on bool, s style, text string) string {
	if !on || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}
