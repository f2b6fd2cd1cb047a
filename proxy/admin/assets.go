// The routes of the page.

package admin

import "net/http"

const assetsPath = "/assets/"

func (s *Server) getPage(w http.ResponseWriter, r *http.Request) { s.page.ServeHTTP(w, r) }

func (s *Server) getAsset(w http.ResponseWriter, r *http.Request) {
	if !s.page.Asset(w, r, r.PathValue("hash"), r.PathValue("file")) {
		fail(w, http.StatusNotFound, "the page has no such file: reload it")
	}
}
