package view

import (
	"encoding/json"
	"fmt"

	"github.com/leifengta/lft/planner"
)

// fileBlock is a file of a dependency in a list of them.
func fileBlock(f element) block {
	b := block{header: "file " + quoteName(f.name)}
	var file struct {
		Size       int64  `json:"size"`
		SHA256     string `json:"sha256"`
		Executable bool   `json:"executable"`
	}
	if json.Unmarshal(f.data, &file) != nil {
		return b
	}
	if file.Executable {
		b.attrs = append(b.attrs, attr{name: "executable", data: json.RawMessage("true")})
	}
	b.attrs = append(b.attrs,
		attr{name: "sha256", data: json.RawMessage(`"` + file.SHA256 + `"`)},
		attr{name: "size", data: fmt.Append(nil, file.Size)},
	)
	return b
}

// file shows a file of a dependency that comes, changes or goes: small texts by
// their lines, others by their size.
func (r *planText) file(f planner.FileChange, pad string) {
	head := "file " + quoteName(f.Path)
	switch {
	case f.Before == nil:
		r.mark(added, pad, fmt.Sprintf("%s (%s)", head, fileWords(f.After)))
	case f.After == nil:
		r.mark(removed, pad, fmt.Sprintf("%s (%s)", head, fileWords(f.Before)))
	default:
		inner := pad + "    "
		r.mark(altered, pad, head+" {")
		if f.Before.Executable != f.After.Executable {
			r.mark(altered, inner, fmt.Sprintf("executable = %t%s%t", f.Before.Executable, r.style(yellow, " -> "), f.After.Executable))
		}
		if f.Before.SHA256 != f.After.SHA256 {
			r.content(f, inner)
		}
		r.line(pad + "  }")
	}
}

func (r *planText) content(f planner.FileChange, pad string) {
	if f.Before.Text == nil || f.After.Text == nil {
		r.mark(altered, pad, fmt.Sprintf("content = (%s)%s(%s)", size(f.Before.Size), r.style(yellow, " -> "), size(f.After.Size)))
		return
	}
	was, is := splitLines(*f.Before.Text), splitLines(*f.After.Text)
	if len(was) > maxDiffLines || len(is) > maxDiffLines {
		r.mark(altered, pad, fmt.Sprintf("content = (%s)%s(%s)", count(len(was), "line"), r.style(yellow, " -> "), count(len(is), "line")))
		return
	}
	r.mark(altered, pad, "content = <<-EOT")
	r.lines(diffLines(was, is), pad+"    ")
	r.line(pad + "  EOT")
}

func fileWords(f *planner.File) string {
	if f.Executable {
		return size(f.Size) + ", executable"
	}
	return size(f.Size)
}

// size is a number of bytes for people.
func size(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f KiB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MiB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/unit/unit/unit)
}
