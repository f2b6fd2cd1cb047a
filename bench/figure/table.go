// Tables of figures as Markdown, or plain for a terminal.

package figure

import (
	"strings"
	"unicode/utf8"
)

// Table is a heading and rows of equal width; the first column names the row.
type Table struct {
	Head []string
	Rows [][]string
}

// Markdown is padded so that it also reads well in a terminal: names to the left, figures to the right.
func (t Table) Markdown() string {
	rule := make([]string, len(t.Head))
	width := widths(append([][]string{t.Head}, t.Rows...), 3)
	for i, w := range width {
		rule[i] = strings.Repeat("-", w+1) + ":"
	}
	rule[0] = strings.Repeat("-", width[0]+2)
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			b.WriteString("| " + pad(cell, width[i], i == 0) + " ")
		}
		b.WriteString("|\n")
	}
	line(t.Head)
	b.WriteString("|" + strings.Join(rule, "|") + "|\n")
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}

// Plain is rows for a terminal: the first column and those of long text to the left, figures to the right.
func Plain(rows [][]string) string {
	const long = 14
	width := widths(rows, 0)
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += "  " + pad(cell, width[i], i == 0 || width[i] > long)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// widths are those of the columns, in letters.
func widths(rows [][]string, least int) (width []int) {
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, least)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	return width
}

func pad(cell string, width int, left bool) string {
	room := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
	if left {
		return cell + room
	}
	return room + cell
}
