// Tables of a bench of its own kind, as text.

package report

import (
	"fmt"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// Sheet is a table whose cells are words and figures for people.
type Sheet struct {
	Title string     `json:"title"`
	Head  []string   `json:"head"`
	Rows  [][]string `json:"rows"`
}

func sheetTables(b *strings.Builder, r *Result) {
	for _, s := range r.Tables {
		fmt.Fprintf(b, "\n%s\n\n", s.Title)
		b.WriteString(figure.Plain(append([][]string{s.Head}, s.Rows...)))
	}
}
