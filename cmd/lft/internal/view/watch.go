package view

import (
	"bytes"
	"time"
)

// Draft is a terminal that looks like this one and writes into a buffer, data and
// findings alike.
func (t *Terminal) Draft() (*Terminal, *bytes.Buffer) {
	draft, into := *t, new(bytes.Buffer)
	draft.Out, draft.Err, draft.outTTY = into, into, false
	return &draft, into
}

// Draw shows a picture that will be drawn again: a terminal is cleared for it, in a
// file a line parts it from the one before.
func (t *Terminal) Draw(picture string, took time.Duration) {
	if t.Live() {
		t.Printf("\x1b[H\x1b[2J\x1b[3J")
	} else {
		t.Rule()
	}
	t.Printf("%s", picture)
	t.Notef("\n%s\n", paint(t.errColor, faint, "Planned in "+span(took)+"; it is planned again when a file changes. An interrupt ends it."))
}
