package view

import "time"

// Fresh begins a new picture: a terminal is cleared, in a file a line parts it
// from the one before.
func (t *Terminal) Fresh() {
	if t.Live() {
		t.Printf("\x1b[H\x1b[2J\x1b[3J")
		return
	}
	t.Rule()
}

// Watching says that the picture will be drawn again.
func (t *Terminal) Watching(took time.Duration) {
	t.Notef("\n%s\n", paint(t.errColor, faint, "Planned in "+span(took)+"; it is planned again when a file changes. An interrupt ends it."))
}
