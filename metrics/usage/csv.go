// A report as CSV.

package usage

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var columns = []string{
	"key", "name", "requests", "errors", "aborts", "retries", "prompt_tokens", "cached_tokens", "completion_tokens", "prompt_bytes", "answer_bytes",
	"service_s", "response_p50_s", "response_p95_s", "first_byte_p50_s", "first_byte_p95_s", "over", "users", "patience_p50_s", "client_timeout_s",
}

// CSV writes the rows of the report, which the first line names.
func (r *Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for i := range r.Lines {
		if err := out.Write(r.Lines[i].cells()); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (l *Line) cells() []string {
	whole := func(n uint64) string { return strconv.FormatUint(n, 10) }
	seconds := func(s float64) string { return strconv.FormatFloat(s, 'g', 6, 64) }
	patience := ""
	if l.MedianPatience != nil {
		patience = seconds(*l.MedianPatience)
	}
	return []string{
		text(l.Key), text(l.Name), whole(l.Requests), whole(l.Errors), whole(l.Aborts), whole(l.Retries),
		whole(l.PromptTokens), whole(l.CachedTokens), whole(l.CompletionTokens), whole(l.PromptBytes), whole(l.AnswerBytes),
		seconds(l.ServiceSeconds), seconds(l.ResponseP50), seconds(l.ResponseP95), seconds(l.FirstByteP50), seconds(l.FirstByteP95),
		whole(l.Over), whole(l.Users), patience, seconds(l.ClientTimeout),
	}
}

// text is a cell of one line that no spreadsheet takes for a formula: an apostrophe comes before what would be one, as in
// the request log.
func text(cell string) string {
	cell = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, cell)
	if first, _ := utf8.DecodeRuneInString(cell); strings.ContainsRune("=+-@'＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}
