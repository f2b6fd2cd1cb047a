package main

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/configs"
)

// row is the row that was read last, with work where the columns are there to tell it.
func (l *logReader) row() (predict.Row, error) {
	n := cellReader{l: l}
	r := predict.Row{Model: l.text("model"), Class: n.class(), Status: n.whole("status", "")}
	r.PromptBytes, r.MaxTokens = n.whole("prompt_bytes", ""), n.whole("max_tokens", "0")
	r.Stream = n.yes("stream")
	service, capacity, slots := n.number("service_s"), n.number("capacity"), n.whole("slots", "0")
	r.Work = service * capacity / float64(max(slots, 1))
	r.Service = time.Duration(math.Max(math.Min(service, 1e9), -1) * float64(time.Second)) // more would not fit
	if math.IsNaN(service) {
		r.Service = 0 // the work is none either
	}
	return r, n.err
}

// text is a cell of text. Where it would be a formula to a spreadsheet the log writes an apostrophe first.
func (l *logReader) text(column string) string { return strings.TrimPrefix(l.raw(column), "'") }

// raw is a cell as it stands there, "" if there is no such column.
func (l *logReader) raw(column string) string {
	if i, ok := l.at[column]; ok {
		return l.cells[i]
	}
	return ""
}

// cellReader reads cells of one row and keeps the first error.
type cellReader struct {
	l   *logReader
	err error
}

func (c *cellReader) wrong(column, want string) {
	if c.err == nil {
		c.err = badInput("%s: %s must be %s, is %q", c.l.place(c.l.at[column]), column, want, shorten(c.l.raw(column)))
	}
}

// number is 0 where there is no such column.
func (c *cellReader) number(column string) float64 {
	if _, ok := c.l.at[column]; !ok {
		return 0
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(c.l.raw(column)), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range is infinite, which is for the cleaning to judge
		c.wrong(column, "a number")
	}
	return x
}

// whole is a whole number, which may be written 12.0 or 1e3; where the cell is empty, that of instead, if any.
func (c *cellReader) whole(column, instead string) int {
	if _, ok := c.l.at[column]; !ok {
		return 0
	}
	text := strings.TrimSpace(c.l.raw(column))
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

// class is "" where there is no such column. A word that is none of the known ones would be taken for an error.
func (c *cellReader) class() string {
	if _, ok := c.l.at["class"]; !ok {
		return ""
	}
	word := strings.TrimSpace(c.l.raw("class"))
	if c.err == nil && !slices.Contains(predict.Classes, word) {
		c.err = badInput("%s: unknown class %q: %s", c.l.place(c.l.at["class"]), shorten(word), configs.Suggest(word, predict.Classes))
	}
	return word
}

func (c *cellReader) yes(column string) bool {
	yes, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(c.l.raw(column))))
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
