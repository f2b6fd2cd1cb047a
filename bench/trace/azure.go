// Traces as Azure published them in 2023.

package trace

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// azureColumns are those of https://github.com/Azure/AzurePublicDataset, AzureLLMInferenceTrace_conv and _code.
var azureColumns = []string{"TIMESTAMP", "ContextTokens", "GeneratedTokens"}

// azureTime is how a file has times; more digits of seconds may follow.
const azureTime = "2006-01-02 15:04:05"

func readAzure(text io.Reader) (t Trace, line int, err error) {
	rows := newRows(text)
	names, err := rows.Read()
	if err == nil && !slices.Equal(names, azureColumns) {
		err = fmt.Errorf("the columns are %s: they must be %s", strings.Join(names, ","), strings.Join(azureColumns, ","))
	}
	if err != nil {
		line, err := place(err, 1)
		return t, line, err
	}
	var first time.Time
	line, err = eachRow(rows, func(cells []string) error {
		r, at, err := azureRequest(cells)
		if err != nil {
			return err
		}
		if len(t.Requests) == 0 {
			first = at
		}
		r.At = at.Sub(first)
		if n := len(t.Requests); n > 0 && r.At < t.Requests[n-1].At {
			return errors.New("TIMESTAMP goes back: sort the lines by time")
		}
		if r.At > longest*time.Second {
			return errors.New("TIMESTAMP is more than 100 days after the first: cut the trace")
		}
		t.Requests = append(t.Requests, r)
		return nil
	})
	if err != nil {
		return t, line, err
	}
	if len(t.Requests) == 0 {
		return t, 2, errors.New("the trace has no requests: give one line for each, below the names")
	}
	weigh(t.Requests)
	return t, 0, nil
}

func azureRequest(cells []string) (r Request, at time.Time, err error) {
	if len(cells) != len(azureColumns) {
		return r, at, fmt.Errorf("there are %d cells for %d columns: give each line one cell for each column", len(cells), len(azureColumns))
	}
	if at, err = time.Parse(azureTime, cells[0]); err != nil {
		return r, at, fmt.Errorf("TIMESTAMP: %q is no time: give it as in 2023-11-16 18:15:46.6805900", cells[0])
	}
	for i, into := range []*int{&r.PromptTokens, &r.AnswerTokens} {
		name, cell := azureColumns[i+1], cells[i+1]
		n, err := strconv.Atoi(cell)
		if err != nil {
			return r, at, fmt.Errorf("%s: %q is no count: give a whole number of tokens", name, cell)
		}
		if *into, err = tokens(name, n); err != nil {
			return r, at, err
		}
	}
	return r, at, nil
}
