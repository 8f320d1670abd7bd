package view

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/leifengta/lft/planner"
)

// maxDiffLines bounds the square of work of a line diff.
const maxDiffLines = 2000

// contextLines are shown around each difference.
const contextLines = 2

// textDiff shows two texts of several lines by the lines that differ.
func (r *planText) textDiff(a planner.Attribute, pad string) (string, bool) {
	var before, after string
	if json.Unmarshal(a.Before, &before) != nil || json.Unmarshal(a.After, &after) != nil {
		return "", false
	}
	if !strings.Contains(before, "\n") || !strings.Contains(after, "\n") {
		return "", false
	}
	old, now := splitLines(before), splitLines(after)
	if len(old) > maxDiffLines || len(now) > maxDiffLines {
		return fmt.Sprintf("(text of %d lines) -> (text of %d lines)", len(old), len(now)), true
	}
	var b strings.Builder
	b.WriteString("<<-EOT\n")
	r.lines(&b, diffLines(old, now), pad)
	b.WriteString(pad + "EOT")
	return b.String(), true
}

func splitLines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// diffLine is a line of a text before or after; sign ' ' means both.
type diffLine struct {
	sign byte
	text string
}

// lines writes what differs, with a little around it.
func (r *planText) lines(b *strings.Builder, list []diffLine, pad string) {
	near := make([]bool, len(list))
	for i, l := range list {
		if l.sign != ' ' {
			for j := max(0, i-contextLines); j <= min(len(list)-1, i+contextLines); j++ {
				near[j] = true
			}
		}
	}
	for i := 0; i < len(list); i++ {
		if !near[i] {
			from := i
			for i+1 < len(list) && !near[i+1] {
				i++
			}
			fmt.Fprintf(b, "%s    %s\n", pad, r.style(faint, "# ("+count(i+1-from, "unchanged line")+" hidden)"))
			continue
		}
		mark := string(list[i].sign)
		switch list[i].sign {
		case '+':
			mark = r.style(green, mark)
		case '-':
			mark = r.style(red, mark)
		}
		b.WriteString(strings.TrimRight(pad+"  "+mark+" "+shorten(list[i].text), " ") + "\n")
	}
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

// FileDiff shows how a file changes, by lines.
func (t *Terminal) FileDiff(name string, old, now []byte) {
	r := &planText{style: t.Style}
	r.line(r.style(bold, "--- "+name))
	r.line(r.style(bold, "+++ "+name))
	before, after := splitLines(string(old)), splitLines(string(now))
	if len(before) > maxDiffLines || len(after) > maxDiffLines {
		before, after = nil, nil
		r.line("(too long to be compared line by line)")
	}
	r.lines(&r.b, diffLines(before, after), "")
	t.Printf("%s", r.b.String())
}
