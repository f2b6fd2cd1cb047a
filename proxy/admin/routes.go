// The routes of the admin API.

package admin

import (
	"net/http"
	"slices"
	"strings"
)

// route is one method and path of the API; openapi.json has each too.
type route struct {
	method, path string
	handle       http.HandlerFunc
}

func (s *Server) routes() []route {
	const upstream = "/api/v1/upstreams/{upstream}"
	const endpoint = upstream + "/endpoints/{endpoint}"
	return []route{
		{"GET", "/metrics", atMost(maxScrapes, s.metrics.ServeHTTP)},
		{"GET", "/healthz", s.getHealth},
		{"GET", "/readyz", s.getReadiness},
		{"GET", "/api/v1/upstreams", atMost(maxStates, s.getUpstreams)},
		{"GET", upstream, s.getUpstream},
		{"POST", endpoint + "/drain", s.postDrain},
		{"POST", endpoint + "/undrain", s.postUndrain},
		{"GET", "/api/v1/events", s.getEvents},
		{"GET", "/api/v1/snapshot", s.getSnapshot},
		{"GET", "/api/v1/history", s.getHistory},
		{"GET", "/api/v1/config", s.getConfig},
		{"GET", sessionPath, s.getSession},
		{"POST", sessionPath, s.postSession},
		{"DELETE", sessionPath, s.deleteSession},
		{"GET", "/api/v1/silences", s.getSilences},
		{"POST", "/api/v1/silences", s.postSilence},
		{"DELETE", "/api/v1/silences/{id}", s.deleteSilence},
		{"GET", "/api/v1/alerts", atMost(maxStates, s.getAlerts)},
		{"GET", "/api/v1/faults", s.getFaults},
		{"POST", "/api/v1/faults/{id}/normal", s.postNormal},
		{"GET", "/api/v1/forecast", s.getForecast},
		{"GET", "/api/v1/gateways", s.getGateways},
		{"GET", "/api/v1/autoscale", atMost(maxStates, s.getScales)},
		{"GET", "/api/v1/autoscale/{upstream}", s.getScale},
		{"POST", "/api/v1/autoscale/{upstream}/pause", s.postPause},
		{"POST", "/api/v1/autoscale/{upstream}/resume", s.postResume},
		{"POST", "/api/v1/reload", s.postReload},
		{"GET", "/api/v1/usage", atMost(maxUsages, s.getUsage)},
		{"DELETE", "/api/v1/usage/users/{user}", s.deleteUser},
		{"GET", "/api/v1/advice", atMost(maxStates, s.getAdvice)},
		{"POST", "/api/v1/advice/{id}/apply", s.postApplyAdvice},
		{"GET", "/api/v1/openapi.json", getOpenAPI},
	}
}

// routeTable returns the handler of all routes, those of the page included. Each path is registered once
// more without a method, and the root for everything else: the mux's own 404
// and 405 are plain text.
func (s *Server) routeTable() http.Handler {
	mux := http.NewServeMux()
	methods := make(map[string][]string)
	for _, r := range s.routes() {
		mux.HandleFunc(r.method+" "+r.path, r.handle)
		methods[r.path] = append(methods[r.path], r.method)
	}
	mux.HandleFunc("GET /{$}", s.getPage)
	mux.HandleFunc("GET "+assetsPath+"{hash}/{file...}", s.getAsset)
	for path, allowed := range methods {
		mux.HandleFunc(path, notAllowed(allowed))
	}
	mux.HandleFunc("/", notFound)
	return mux
}

// notAllowed answers 405 to all methods but the allowed ones, which have
// handlers of their own. HEAD goes wherever GET goes.
func notAllowed(allowed []string) http.HandlerFunc {
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	allow := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		fail(w, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here; use "+allow)
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, http.StatusNotFound, "nothing is at "+r.URL.Path+"; GET /api/v1/openapi.json lists what is")
}
