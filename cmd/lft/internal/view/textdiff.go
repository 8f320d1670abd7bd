package view

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxDiffLines bounds the square of work of a line diff.
const maxDiffLines = 2000

// contextLines are shown around each difference.
const contextLines = 2

// textDiff shows two texts, or two expressions, of which one at least has several
// lines, by the lines that differ. It is false of other values.
func (r *planText) textDiff(before, after json.RawMessage, head, pad string) bool {
	was, long := passageOf(before)
	now, alsoLong := passageOf(after)
	if !long && !alsoLong || masked(before) || masked(after) {
		return false
	}
	if !long && !asPassage(before, now.open, &was) || !alsoLong && !asPassage(after, was.open, &now) || was.open != now.open {
		return false
	}
	if len(was.lines) > maxDiffLines || len(now.lines) > maxDiffLines {
		r.mark(altered, pad, fmt.Sprintf("%s(text of %s)%s(text of %s)", head, count(len(was.lines), "line"), r.style(yellow, " -> "), count(len(now.lines), "line")))
		return true
	}
	r.mark(altered, pad, head+now.open)
	r.lines(diffLines(was.lines, now.lines), pad+"    ")
	end := now.end
	if was.end != now.end {
		end = was.end + r.style(yellow, " -> ") + now.end
	}
	r.line(pad + "  " + end)
	return true
}

// asPassage reads a text of one line as one of several.
func asPassage(data json.RawMessage, open string, to *passage) bool {
	var text string
	if open != "<<-EOT" || json.Unmarshal(data, &text) != nil {
		return false
	}
	*to = passage{open: open, end: "EOT", lines: splitLines(text)}
	return true
}

func splitLines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// diffLine is a line of a text before or after; sign ' ' means both.
type diffLine struct {
	sign byte
	text string
}

// mark is the symbol before a line.
func (l diffLine) mark() sign {
	switch l.sign {
	case '+':
		return added
	case '-':
		return removed
	}
	return same
}

// near tells for each line whether it differs or is within some lines of one that
// does.
func near(list []diffLine, within int) []bool {
	shown := make([]bool, len(list))
	for i, l := range list {
		if l.sign != ' ' {
			for j := max(0, i-within); j <= min(len(list)-1, i+within); j++ {
				shown[j] = true
			}
		}
	}
	return shown
}

// lines writes what differs, with a little around it. The signs stand at pad.
func (r *planText) lines(list []diffLine, pad string) {
	shown := near(list, contextLines)
	for i := 0; i < len(list); i++ {
		if shown[i] {
			r.mark(list[i].mark(), pad, shorten(visible(list[i].text)))
			continue
		}
		from := i
		for i+1 < len(list) && !shown[i+1] {
			i++
		}
		r.hidden(pad, i+1-from, "unchanged line")
	}
}

// listDiff shows two lists of values by the elements that differ. It is false of
// other values.
func (r *planText) listDiff(before, after attr, head, pad string) bool {
	old, known := before.reference()
	if now, references := after.reference(); known != references || references && len(old)+len(now) <= plainWidth {
		return false
	}
	was, is := listOf(before.data), listOf(after.data)
	if was == nil || is == nil || len(was) > maxDiffLines || len(is) > maxDiffLines {
		return false
	}
	texts := func(list []json.RawMessage) []string {
		out := make([]string, len(list))
		for i, e := range list {
			out[i] = string(e)
		}
		return out
	}
	r.mark(altered, pad, head+"[")
	inner := pad + "    "
	unchanged := 0
	for _, l := range diffLines(texts(was), texts(is)) {
		if l.sign == ' ' {
			unchanged++
			continue
		}
		if one, ok := after.with(json.RawMessage("[" + l.text + "]")).reference(); ok {
			r.mark(l.mark(), inner, one[1:len(one)-1]+",")
			continue
		}
		r.value(l.mark(), inner, "", attr{data: json.RawMessage(l.text)}, ",")
	}
	r.hidden(inner, unchanged, "unchanged element")
	r.line(pad + "  ]")
	return true
}

// diffLines returns a shortest way from old to now, by the table of longest
// common subsequences of what lies between equal ends.
func diffLines(old, now []string) []diffLine {
	var head, tail []diffLine
	for len(old) > 0 && len(now) > 0 && old[0] == now[0] {
		head = append(head, diffLine{' ', old[0]})
		old, now = old[1:], now[1:]
	}
	for len(old) > 0 && len(now) > 0 && old[len(old)-1] == now[len(now)-1] {
		tail = append(tail, diffLine{' ', old[len(old)-1]})
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	width := len(now) + 1
	common := make([]int32, (len(old)+1)*width)
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(now) - 1; j >= 0; j-- {
			if old[i] == now[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	out := head
	for i, j := 0, 0; i < len(old) || j < len(now); {
		switch {
		case i < len(old) && j < len(now) && old[i] == now[j]:
			out = append(out, diffLine{' ', old[i]})
			i, j = i+1, j+1
		case j == len(now) || i < len(old) && common[(i+1)*width+j] >= common[i*width+j+1]:
			out = append(out, diffLine{'-', old[i]})
			i++
		default:
			out = append(out, diffLine{'+', now[j]})
			j++
		}
	}
	for k := len(tail) - 1; k >= 0; k-- {
		out = append(out, tail[k])
	}
	return out
}

// hunkLines are shown around each difference of a file.
const hunkLines = 3

// FileDiff shows how a file changes, in the unified form that patch reads.
func (t *Terminal) FileDiff(name string, old, now []byte) {
	t.Printf("%s\n%s\n", t.Style(bold, "--- old/"+visible(name)), t.Style(bold, "+++ new/"+visible(name)))
	before, after := splitLines(string(old)), splitLines(string(now))
	if len(before) > maxDiffLines || len(after) > maxDiffLines {
		t.Printf("(too long to be compared line by line)\n")
		return
	}
	list := diffLines(before, after)
	shown := near(list, hunkLines)
	oldAt, newAt := 1, 1 // numbers of the next lines
	for i := 0; i < len(list); {
		if !shown[i] {
			oldAt, newAt, i = oldAt+1, newAt+1, i+1
			continue
		}
		end, olds, news := i, 0, 0
		for ; end < len(list) && shown[end]; end++ {
			if list[end].sign != '+' {
				olds++
			}
			if list[end].sign != '-' {
				news++
			}
		}
		t.Printf("%s\n", t.Style(cyan, fmt.Sprintf("@@ -%d,%d +%d,%d @@", oldAt, olds, newAt, news)))
		for _, l := range list[i:end] {
			t.Printf("%s\n", t.Style(l.mark().style, string(l.sign)+visible(l.text)))
		}
		oldAt, newAt, i = oldAt+olds, newAt+news, end
	}
}
