// The paths that a server answers, and switching its faults over HTTP.

package backend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// downDefault is how long Down lasts when set over HTTP without for=: nobody
// could reach the server to end it.
const downDefault = 30 * time.Second

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.infer(chat))
	mux.HandleFunc("POST /v1/completions", s.infer(completion))
	mux.HandleFunc("GET /v1/models", s.bearing(s.listModels))
	// The rest of the path: ids hold a slash, sent as it is or as %2F.
	mux.HandleFunc("GET /v1/models/{id...}", s.bearing(s.showModel))
	mux.HandleFunc("GET /health", s.bearing(s.showHealth))
	mux.HandleFunc("GET /metrics", s.bearing(s.showSignals))
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Counts()) })
	mux.HandleFunc("GET /fault", func(w http.ResponseWriter, _ *http.Request) { s.writeFault(w, s.Fault(), 0) })
	mux.HandleFunc("POST /fault", s.switchFault)
	mux.HandleFunc("GET /speed", s.showSpeed)
	mux.HandleFunc("POST /speed", s.switchSpeed)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeRefusal(w, &refusal{status: http.StatusNotFound, kind: "invalid_request_error",
			message: fmt.Sprintf("no such endpoint: %s %s", r.Method, r.URL.EscapedPath())})
	})
	return mux
}

// bearing is a handler that the faults of the whole process, Hang and Reset,
// reach before it runs.
func (s *Server) bearing(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.bear(r.Context()); err != nil {
			breakOff(r, err)
		}
		next(w, r)
	}
}

func (s *Server) showHealth(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	switch s.Fault() {
	case FailHealth:
		status = http.StatusServiceUnavailable
	case Busy:
		status = http.StatusTooManyRequests
	}
	w.WriteHeader(status) // without a body, as vLLM answers
}

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// modelCreated is a fixed date, so that two servers describe one model alike.
const modelCreated = 1735689600

func (s *Server) model() model {
	return model{ID: s.options.Model, Object: "model", Created: modelCreated, OwnedBy: "steelyard"}
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []model{s.model()}})
}

func (s *Server) showModel(w http.ResponseWriter, r *http.Request) {
	if id := r.PathValue("id"); id != s.options.Model {
		writeRefusal(w, unknownModel(id))
		return
	}
	writeJSON(w, http.StatusOK, s.model())
}

// switchFault is POST /fault?kind=KIND[&for=DURATION].
func (s *Server) switchFault(w http.ResponseWriter, r *http.Request) {
	kind, err := parseFault(r.URL.Query().Get("kind"))
	if err != nil {
		writeRefusal(w, badRequest("kind", err.Error()))
		return
	}
	var lasting time.Duration
	if text := r.URL.Query().Get("for"); text != "" {
		if lasting, err = time.ParseDuration(text); err != nil || lasting <= 0 {
			writeRefusal(w, badRequest("for", fmt.Sprintf("for %q: give a positive duration, for example 15s", text)))
			return
		}
	}
	if kind == Down && lasting == 0 {
		lasting = downDefault
	}
	s.writeFault(w, kind, lasting)
	// The answer must be out before Down closes this connection too.
	_ = http.NewResponseController(w).Flush() // a client that left still gets its wish
	_ = s.SetFault(kind, lasting)             // kind was parsed above
}

func (s *Server) writeFault(w http.ResponseWriter, kind Fault, lasting time.Duration) {
	state := map[string]string{"server": s.options.Name, "fault": string(kind)}
	if lasting > 0 {
		state["for"] = lasting.String()
	}
	writeJSON(w, http.StatusOK, state)
}

// writeJSON sends a value with its length, so that a cut is seen as one.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body := append(encode(value), '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left needs no answer
}

// encode is for values made here, which always have a JSON form.
func encode(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic("BUG: encode answer: " + err.Error())
	}
	return body
}
