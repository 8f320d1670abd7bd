package view

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns is how wide a text is on a terminal. Ideographs and other wide
// characters take two columns, marks that combine with what is before them none.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case r < 0x300: // what most text is made of
			n++
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		default:
			n++
			if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
				n++
			}
		}
	}
	return n
}

// padTo fills a text up with blanks.
func padTo(text string, wide int) string {
	return text + strings.Repeat(" ", max(0, wide-columns(text)))
}
