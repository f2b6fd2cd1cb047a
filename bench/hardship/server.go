// Handlers of the servers behind the programs.

//go:build linux

package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

// silent is the log of servers that are cut off on purpose.
var silent = log.New(io.Discard, "", 0)

// says answers each request with a text, after it has read the body.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that leaves is none of its business
		_, _ = io.WriteString(w, text)
	}
}

// streams answers with events at an even pace, and tells the last from the others.
func streams(events int, every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range events {
			if i > 0 && alarm.Pause(r.Context(), every) != nil {
				return
			}
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, lastEvent)
	}
}

const lastEvent = "data: [DONE]\n\n"

// hangs answers nothing until the request is given up.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
