// The reader of the log leaves while requests are served.

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// logReaderLeaves: the pipe that the log goes to loses its reader, as when a log shipper restarts, while a stream runs and
// each request is logged. What a log cannot take is the log's loss.
var logReaderLeaves = hardship{
	name:  "log-reader",
	what:  "the reader of the log leaves while a stream runs",
	right: "serves on",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		const others = 5
		stream := streams(20, 50*time.Millisecond)
		addr, err := s.serve(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stream" {
				stream(w, r)
			} else {
				says("ok")(w, r)
			}
		})
		if err != nil {
			return verdict{}, err
		}
		reader, writer, err := os.Pipe()
		if err != nil {
			return verdict{}, err
		}
		go func() { _, _ = io.Copy(io.Discard, reader) }() // ends when the reader is closed
		s.atEnd(func() { _ = reader.Close() })
		plan := stock(addr)
		plan.AccessLog = true
		plan.Begin = func(cmd *exec.Cmd) error {
			cmd.Stdout, cmd.Stderr = writer, writer
			defer writer.Close()
			return cmd.Start()
		}
		p, err := s.start(ctx, plan)
		if err != nil {
			return verdict{}, err
		}
		run, err := openStream(p.Addr)
		if err != nil {
			return verdict{}, err
		}
		defer run.Close()
		if err := reader.Close(); err != nil {
			return verdict{}, err
		}
		served := tally{}
		for range others {
			status, _, _ := askOnce(p.Addr, get, 5*time.Second) // no answer counts as 0
			served[status]++
		}
		whole := run.whole()
		switch {
		case p.Ended() != nil:
			return verdict{text: "dies" + map[bool]string{false: ", stream cut"}[whole]}, nil
		case !whole:
			return verdict{text: "stream cut"}, nil
		case served[http.StatusOK] < others:
			return verdict{text: fmt.Sprintf("stream whole; of %d others %s", others, served.text("no answer"))}, nil
		}
		return verdict{"serves on", true}, nil
	},
}

// stream is an answer under way, of which the head has come.
type stream struct {
	*client
	body io.Reader
}

func openStream(addr string) (*stream, error) {
	c, err := dial(addr, time.Second)
	if err != nil {
		return nil, err
	}
	answer, err := c.begin("GET /stream HTTP/1.1\r\nHost: x.test\r\n\r\n", longest)
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	return &stream{c, answer.Body}, nil
}

// whole reads on and says whether it came to its end.
func (s *stream) whole() bool {
	text, err := io.ReadAll(s.body)
	return err == nil && strings.HasSuffix(string(text), lastEvent)
}
