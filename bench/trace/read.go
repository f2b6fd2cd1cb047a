// Reading a trace from a file, whatever format it is published in.

package trace

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Read returns the trace of a file, which may be compressed by gzip. It tells the format by the first line:
//
//   - names of columns, seconds and work among them: a recorded trace of work;
//   - a JSON object for each request, with timestamp, input_length, output_length and hash_ids: Mooncake's;
//   - TIMESTAMP,ContextTokens,GeneratedTokens: Azure's of 2023;
//   - model,client,…: ServeGen's statistics of clients, which a trace is drawn from. The path then ends with # and the
//     name of a model.
//
// The error names the file, the line and the remedy.
func Read(path string) (Trace, error) { return read(path, 1, 0) }

// read draws by the seed what a file leaves to chance: when a request comes inside a tick of the file's clock, or all of it
// where the file has statistics only. There it draws so many requests; 0 is drawnRequests.
func read(path string, seed uint64, requests int) (Trace, error) {
	file, err := os.Open(path)
	model := ""
	if errors.Is(err, fs.ErrNotExist) && strings.Contains(path, "#") {
		path, model, _ = strings.Cut(path, "#")
		file, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Trace{}, fmt.Errorf("read trace %s: %w: give the path of a CSV file that begins with the line %s, or of a trace as Mooncake, Azure or ServeGen publish them",
			path, fs.ErrNotExist, strings.Join(columns, ","))
	}
	if err != nil {
		return Trace{}, fmt.Errorf("read trace: %w", err)
	}
	defer file.Close()
	text, err := plain(file)
	if err != nil {
		return Trace{}, fmt.Errorf("read trace: %s: %w", path, err)
	}
	chance := rand.New(rand.NewPCG(seed, readStream))
	var t Trace
	var line int
	switch first := firstLine(text); {
	case strings.HasPrefix(first, "{"):
		t, line, err = readMooncake(text, chance)
	case strings.HasPrefix(first, azureColumns[0]+","):
		t, line, err = readAzure(text)
	case strings.HasPrefix(first, "model,client,"):
		t, line, err = readServeGen(text, model, requests, chance)
	default:
		t, line, err = readWork(text)
	}
	if err != nil {
		return Trace{}, fmt.Errorf("read trace: %s:%d: %w", path, line, err)
	}
	t.Name = nameOf(path)
	if model != "" {
		t.Name += " " + model
	}
	return t, nil
}

// nameOf is a file's name without its folder and what it ends with.
func nameOf(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".gz")
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// mostText is the most bytes that a trace may have when it is no longer compressed: a file that is larger is none.
const mostText = 1 << 30

// plain is the text of a file, which may be compressed.
func plain(file io.Reader) (*bufio.Reader, error) {
	text := bufio.NewReaderSize(file, 64<<10)
	if magic, _ := text.Peek(2); string(magic) != "\x1f\x8b" {
		return text, nil
	}
	unzipped, err := gzip.NewReader(text)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w: get the file anew", err)
	}
	return bufio.NewReaderSize(io.LimitReader(unzipped, mostText), 64<<10), nil
}

// firstLine is what a text begins with.
func firstLine(text *bufio.Reader) string {
	begin, _ := text.Peek(256)
	line, _, _ := strings.Cut(strings.TrimLeft(string(begin), "\ufeff \t\r\n"), "\n")
	return line
}

// newRows reads lines of cells.
func newRows(from io.Reader) *csv.Reader {
	rows := csv.NewReader(from)
	rows.FieldsPerRecord = -1 // told better by who reads them
	rows.TrimLeadingSpace = true
	rows.ReuseRecord = true
	return rows
}

// eachRow calls f for each row below the names, until one is wrong. line is that of the error.
func eachRow(rows *csv.Reader, f func(cells []string) error) (line int, err error) {
	for line = 1; ; {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return line, nil
		}
		if err != nil {
			return place(err, line+1)
		}
		line, _ = rows.FieldPos(0)
		if err := f(cells); err != nil {
			return line, err
		}
	}
}

// place takes the line out of an error that knows it better.
func place(err error, line int) (int, error) {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Line, fmt.Errorf("%w: write numbers bare, without quotes", parse.Err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) {
		return line, fmt.Errorf("%w: the file is cut short or damaged: get it anew", err)
	}
	return line, err
}

// mostTokens is the most that a prompt or an answer may have: more than any model takes.
const mostTokens = 1 << 24

// tokens is a number of tokens as a cell or a field has it. An answer of none is one of one: something ends it.
func tokens(what string, n int) (int, error) {
	if n < 0 || n > mostTokens {
		return 0, fmt.Errorf("%s is %d: give a number of tokens from 0 to %d", what, n, mostTokens)
	}
	return max(n, 1), nil
}

// weigh gives each request of real inference work what traces of work have: its work, of mean 1, and a stream.
func weigh(requests []Request) {
	sum := 0.0
	for _, r := range requests {
		sum += promptCost*float64(r.PromptTokens) + float64(r.AnswerTokens)
	}
	mean := sum / float64(max(len(requests), 1))
	for i := range requests {
		r := &requests[i]
		r.Work = (promptCost*float64(r.PromptTokens) + float64(r.AnswerTokens)) / mean
		r.PromptBytes, r.Stream = int(bytesPerToken)*r.PromptTokens, true
	}
}

// seconds is a time of so many seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
