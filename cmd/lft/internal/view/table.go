package view

import "strings"

// cell is one field of a table; its style takes no columns.
type cell struct {
	text  string
	style style
}

// table aligns rows of cells by columns, two blanks apart.
type table struct {
	rows [][]cell
}

func (t *table) head(names ...string) {
	row := make([]cell, len(names))
	for i, name := range names {
		row[i] = cell{name, faint}
	}
	t.rows = append(t.rows, row)
}

// row adds a row; what would steer a terminal is shown as what it is.
func (t *table) row(cells ...cell) {
	for i := range cells {
		cells[i].text = visible(cells[i].text)
	}
	t.rows = append(t.rows, cells)
}

// lines renders the table; paint turns a cell into what is printed.
func (t *table) lines(paint func(style, string) string) []string {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(c.text))
		}
	}
	lines := make([]string, len(t.rows))
	for r, row := range t.rows {
		var line strings.Builder
		last := len(row) - 1
		for last > 0 && row[last].text == "" {
			last--
		}
		for i, c := range row[:last+1] {
			text := c.text
			if c.style != "" {
				text = paint(c.style, text)
			}
			line.WriteString(text)
			if i < last {
				line.WriteString(strings.Repeat(" ", widths[i]-columns(c.text)+2))
			}
		}
		lines[r] = line.String()
	}
	return lines
}

// show writes the table to Out.
func (t *table) show(term *Terminal) {
	for _, line := range t.lines(term.Style) {
		term.Printf("%s\n", line)
	}
}
