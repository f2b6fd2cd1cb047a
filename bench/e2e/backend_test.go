package e2e

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"
)

// runBackend is an inference server in a process of its own: it answers at once,
// or, asked for /stream, an event every 20 ms for a second.
func runBackend(address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, address) })
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := range 50 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(address, mux))
	os.Exit(1)
}

// backend starts one at this address.
func backend(t *testing.T, address string) *process {
	t.Helper()
	p := start(t, []string{"E2E_BACKEND=" + address}, os.Args[0])
	eventually(t, "the backend answers", answers("http://"+address+"/health"))
	return p
}
