// Answers and errors as JSON.

package admin

import (
	"encoding/json"
	"net/http"
)

// errorAnswer is the body of every answer that is not 2xx, /readyz apart.
type errorAnswer struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Message  string    `json:"message"`
	Known    []string  `json:"known,omitempty"`    // the names there are, where one was not found
	Problems []Problem `json:"problems,omitempty"` // each mistake, where a configuration was refused
}

// answer writes v as JSON, indented because people read it with curl.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // a number such as NaN, which JSON cannot write
		status = http.StatusInternalServerError
		body, _ = json.Marshal(errorAnswer{errorDetail{Message: "write answer: " + err.Error()}})
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that has gone is no error of ours.
	_, _ = w.Write(append(body, '\n'))
}

// fail writes an error; known are the names that the caller may have meant.
func fail(w http.ResponseWriter, status int, message string, known ...string) {
	answer(w, status, errorAnswer{errorDetail{Message: message, Known: known}})
}

// withHeaders sets the fields of every answer: it must not be cached, and no
// browser may guess that it is a page.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
