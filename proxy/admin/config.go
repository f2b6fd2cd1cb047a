// The configuration in force.

package admin

import "net/http"

type configAnswer struct {
	YAML string `json:"yaml"` // as steelyard check prints it; secrets are hidden
}

// getConfig answers with the configuration in force.
func (s *Server) getConfig(w http.ResponseWriter, _ *http.Request) {
	if s.config == nil {
		fail(w, http.StatusNotFound, "this steelyard has no configuration to show")
		return
	}
	text, err := s.config()
	if err != nil {
		fail(w, http.StatusInternalServerError, "print the configuration: "+err.Error())
		return
	}
	answer(w, http.StatusOK, configAnswer{string(text)})
}
