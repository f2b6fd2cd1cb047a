// The cells of a row, as the values they stand for.

package requestlog

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Row is the row that was read last, and the work that it came to: service time × capacity / slots.
// What the log has no column for is 0. The upstream, the endpoint, the times but the service time,
// and the predicted work are left out.
func (r *Reader) Row() (row Row, work float64, err error) {
	n := cellReader{r: r}
	row = Row{Model: r.Text("model"), Class: strings.TrimSpace(r.Raw("class")), Status: n.whole("status", "")}
	row.PromptBytes, row.MaxTokens = n.whole("prompt_bytes", ""), n.whole("max_tokens", "0")
	row.Stream = n.yes("stream")
	service := n.number("service_s")
	row.Capacity, row.Slots = n.number("capacity"), n.whole("slots", "0")
	row.Service = time.Duration(math.Max(math.Min(service, 1e9), -1) * float64(time.Second)) // more would not fit
	if math.IsNaN(service) {
		row.Service = 0 // the work is none either
	}
	return row, service * row.Capacity / float64(max(row.Slots, 1)), n.err
}

// Text is a cell of text. Where it would be a formula to a spreadsheet the log writes an apostrophe first.
func (r *Reader) Text(column string) string { return strings.TrimPrefix(r.Raw(column), "'") }

// Raw is a cell as it stands there, "" if there is no such column.
func (r *Reader) Raw(column string) string {
	if i, ok := r.at[column]; ok {
		return r.cells[i]
	}
	return ""
}

// cellReader reads cells of one row and keeps the first error.
type cellReader struct {
	r   *Reader
	err error
}

func (c *cellReader) wrong(column, want string) {
	if c.err == nil {
		c.err = problem("%s: %s must be %s, is %q", c.r.Place(column), column, want, shorten(c.r.Raw(column)))
	}
}

// number is 0 where there is no such column.
func (c *cellReader) number(column string) float64 {
	if !c.r.Has(column) {
		return 0
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(c.r.Raw(column)), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range is infinite, which is for the cleaning to judge
		c.wrong(column, "a number")
	}
	return x
}

// whole is a whole number, which may be written 12.0 or 1e3. An empty cell counts as instead.
func (c *cellReader) whole(column, instead string) int {
	if !c.r.Has(column) {
		return 0
	}
	text := strings.TrimSpace(c.r.Raw(column))
	if text == "" {
		text = instead
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.IsInf(x, 0) {
		c.wrong(column, "a whole number")
		return 0
	}
	return int(math.Max(math.Min(x, 1<<53), -1<<53))
}

func (c *cellReader) yes(column string) bool {
	yes, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(c.r.Raw(column))))
	if err != nil {
		c.wrong(column, "true or false")
	}
	return yes
}

// shorten bounds foreign text in a message.
func shorten(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
