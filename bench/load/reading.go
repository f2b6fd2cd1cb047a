// Reading an answer to its end, and saying what is wrong with it.

package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// judge says what is wrong with an answer that had a status and was read to an error or its end. The error comes back
// where it is what is wrong.
func judge(status int, err error) (Failure, error) {
	switch {
	case status < 200 || status > 299:
		return BadStatus, nil
	case errors.Is(err, errEvent):
		return ErrorEvent, err
	case err != nil:
		return Truncated, err
	}
	return "", nil
}

// unanswered is a request that failed before there was an answer.
func unanswered(err error) Sample {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return Sample{Failure: Refused, Err: err}
	}
	return Sample{Failure: Broken, Err: err}
}

var (
	errEvent  = errors.New("stream reported an error")
	errNoDone = errors.New("stream ended without [DONE]")
)

// answer is what was seen of the body of one.
type answer struct {
	told  bool      // it had an error event
	first time.Time // when the first event came; zero without one
	usage Usage
}

// readAnswer reads the body of an answer to its end.
func readAnswer(in *bufio.Reader, stream bool) (a answer, err error) {
	if stream {
		return readEvents(in)
	}
	_, err = in.WriteTo(io.Discard)
	return a, err
}

// readEvents reads server-sent events up to [DONE] and whatever follows it.
func readEvents(in *bufio.Reader) (a answer, err error) {
	done := false
	for {
		line, err := in.ReadSlice('\n')
		data, isData := bytes.CutPrefix(line, []byte("data:"))
		if isData && a.first.IsZero() {
			a.first = time.Now()
		}
		data = bytes.TrimSpace(data)
		done = done || isData && string(data) == "[DONE]"
		a.told = a.told || isData && bytes.HasPrefix(data, []byte(`{"error"`))
		if isData {
			a.usage.read(data)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a long line is content
			_, err = in.ReadSlice('\n')
		}
		switch {
		case err == nil:
		case err != io.EOF:
			return a, err
		case a.told:
			return a, errEvent
		case !done:
			return a, errNoDone
		default:
			return a, nil
		}
	}
}

// read takes what an event says of usage, if it does. Those before the last have none, or null.
func (u *Usage) read(data []byte) {
	_, after, found := bytes.Cut(data, []byte(`"usage":{`))
	if !found {
		return
	}
	var said struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		Details          struct {
			CachedTokens int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	}
	if json.NewDecoder(io.MultiReader(strings.NewReader("{"), bytes.NewReader(after))).Decode(&said) == nil {
		*u = Usage{Prompt: said.PromptTokens, Cached: said.Details.CachedTokens, Answer: said.CompletionTokens}
	}
}
