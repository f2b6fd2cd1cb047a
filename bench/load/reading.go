// Reading an answer to its end, and saying what is wrong with it.

package load

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
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

// readAnswer reads the body of an answer to its end. told says that it had an error event.
func readAnswer(in *bufio.Reader, stream bool) (told bool, err error) {
	if stream {
		return readEvents(in)
	}
	_, err = in.WriteTo(io.Discard)
	return false, err
}

// readEvents reads server-sent events up to [DONE] and whatever follows it.
func readEvents(in *bufio.Reader) (told bool, err error) {
	done := false
	for {
		line, err := in.ReadSlice('\n')
		data, isData := bytes.CutPrefix(line, []byte("data:"))
		data = bytes.TrimSpace(data)
		done = done || isData && string(data) == "[DONE]"
		told = told || isData && bytes.HasPrefix(data, []byte(`{"error"`))
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a long line is content
			_, err = in.ReadSlice('\n')
		}
		switch {
		case err == nil:
		case err != io.EOF:
			return told, err
		case told:
			return told, errEvent
		case !done:
			return told, errNoDone
		default:
			return told, nil
		}
	}
}
