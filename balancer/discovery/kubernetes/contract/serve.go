// The protocol, as a real server of 1.37 speaks it.

package contract

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lists are the kinds there are, by the last part of a list's path.
var lists = map[string]string{
	"endpointslices": "EndpointSlice", "pods": "Pod", "services": "Service", "deployments": "Deployment", "statefulsets": "StatefulSet",
	"leaderworkersets": "LeaderWorkerSet", "horizontalpodautoscalers": "HorizontalPodAutoscaler", "scaledobjects": "ScaledObject",
}

// target is what a path means.
type target struct {
	list, object, part string // paths of the list and of the object; "scale"
	resource           string // deployments/scale
}

func parse(path string) (t target, ok bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	i := slices.Index(parts, "namespaces")
	if i < 0 || i+2 >= len(parts) || lists[parts[i+2]] == "" {
		return t, false
	}
	rest := parts[i+3:]
	t.list = "/" + strings.Join(parts[:i+3], "/")
	t.resource = parts[i+2]
	if len(rest) > 0 {
		t.object = t.list + "/" + rest[0]
	}
	if len(rest) > 1 {
		t.part = rest[1]
		t.resource += "/" + t.part
	}
	return t, len(rest) < 3
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		panic(http.ErrAbortHandler)
	}
	if s.Before != nil {
		switch code := s.Before(r); code {
		case 0:
		case http.StatusNotFound:
			http.NotFound(w, r) // as of a kind that is not installed
			return
		default:
			refuse(w, code, "", "as the test wants it")
			return
		}
	}
	if s.Tokens != nil && !s.Tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
		refuse(w, 401, "Unauthorized", "Unauthorized")
		return
	}
	t, ok := parse(r.URL.Path)
	if !ok {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	verb := map[string]string{"GET": "get", "PUT": "update", "PATCH": "patch", "POST": "create", "DELETE": "delete"}[r.Method]
	if t.object == "" && verb == "get" {
		if verb = "list"; r.URL.Query().Get("watch") != "" {
			verb = "watch"
		}
	}
	s.mu.Lock()
	s.seen[verb+" "+t.resource]++
	s.mu.Unlock()
	if s.Allow != nil && !s.Allow(verb, t.resource) {
		refuse(w, 403, "Forbidden", fmt.Sprintf("User cannot %s resource %q", verb, t.resource))
		return
	}
	switch verb {
	case "list":
		s.list(w, r, t)
	case "watch":
		s.watch(w, r, t)
	default:
		s.one(w, r, t, verb)
	}
}

// refuse answers as Kubernetes does: with a Status.
func refuse(w http.ResponseWriter, code int, reason, message string) {
	answer(w, code, Object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code})
}

func answer(w http.ResponseWriter, code int, o Object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(o)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, t target) {
	s.mu.Lock()
	items, version := s.within(t.list, r.URL.Query().Get("labelSelector")), s.version
	s.mu.Unlock()
	meta := Object{"resourceVersion": strconv.Itoa(version)}
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil {
		from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
		from = min(from, len(items))
		to := min(from+limit, len(items))
		if to < len(items) {
			meta["continue"] = strconv.Itoa(to)
		}
		items = items[from:to]
	}
	if items == nil {
		items = []Object{}
	}
	answer(w, 200, Object{"kind": "List", "metadata": meta, "items": items})
}

func (s *Server) watch(w http.ResponseWriter, r *http.Request, t target) {
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("resourceVersion"))
	seconds, _ := strconv.Atoi(q.Get("timeoutSeconds"))
	end := time.After(time.Duration(seconds) * time.Second)
	send := func(kind string, o Object) {
		_ = json.NewEncoder(w).Encode(Object{"type": kind, "object": o})
		w.(http.Flusher).Flush()
	}
	w.Header().Set("Content-Type", "application/json")
	w.(http.Flusher).Flush()
	var bookmarks <-chan time.Time
	if s.Bookmark > 0 && q.Get("allowWatchBookmarks") != "" {
		ticker := time.NewTicker(s.Bookmark)
		defer ticker.Stop()
		bookmarks = ticker.C
	}
	s.mu.Lock()
	forgotten := from < s.forgotten
	cut := waitFor(&s.cut)
	s.mu.Unlock()
	if forgotten {
		send("ERROR", Object{"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": fmt.Sprintf("too old resource version: %d", from)})
		return
	}
	for {
		events, more, silent, version := s.since(from, t.list, q.Get("labelSelector"))
		for _, e := range events {
			send(e.kind, e.object)
		}
		if !silent {
			from = version
		}
		select {
		case <-more:
		case <-bookmarks:
			if !silent {
				send("BOOKMARK", Object{"kind": kindOf(t.list), "metadata": Object{"resourceVersion": strconv.Itoa(version), "creationTimestamp": nil},
					"addressType": "", "endpoints": nil, "ports": nil})
			}
		case <-end:
			return
		case <-cut:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

// since is what happened in a list after a version, and a channel that closes when more has.
func (s *Server) since(from int, list, selector string) (events []event, more <-chan struct{}, silent bool, version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.silent {
		for _, e := range s.history {
			if e.version > from && inList(e.path, list) && matches(e.object, selector) {
				events = append(events, e)
			}
		}
	}
	return events, waitFor(&s.more), s.silent, s.version
}

func kindOf(list string) string { return lists[list[strings.LastIndexByte(list, '/')+1:]] }

// one does something to one object.
func (s *Server) one(w http.ResponseWriter, r *http.Request, t target, verb string) {
	s.mu.Lock()
	o := s.objects[t.object]
	s.mu.Unlock()
	if o == nil {
		refuse(w, 404, "NotFound", fmt.Sprintf("%s %q not found", t.resource, t.object[strings.LastIndexByte(t.object, '/')+1:]))
		return
	}
	if t.part == "scale" {
		s.scale(w, r, t, verb)
		return
	}
	switch verb {
	case "get":
		answer(w, 200, o)
	case "patch":
		s.patch(w, r, t)
	case "delete":
		s.Delete(t.object)
		answer(w, 200, o)
	default:
		refuse(w, 405, "MethodNotAllowed", "not here")
	}
}

// patch is a merge patch of one object.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, t target) {
	var patch Object
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("Content-Type") != "application/merge-patch+json" || json.Unmarshal(body, &patch) != nil {
		refuse(w, 415, "UnsupportedMediaType", "only merge patches of JSON are known here")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := copied(s.objects[t.object])
	merge(o, patch)
	s.put(t.object, o)
	answer(w, 200, s.objects[t.object])
}

func merge(into, patch Object) {
	for key, value := range patch {
		below, is := value.(Object)
		has, has2 := into[key].(Object)
		switch {
		case value == nil:
			delete(into, key)
		case is && has2:
			merge(has, below)
		default:
			into[key] = value
		}
	}
}

// scale is the scale subresource.
func (s *Server) scale(w http.ResponseWriter, r *http.Request, t target, verb string) {
	var sent struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Spec struct {
			Replicas int `json:"replicas"`
		} `json:"spec"`
	}
	if verb != "get" && verb != "update" {
		refuse(w, 405, "MethodNotAllowed", "not here")
		return
	}
	if verb == "update" && json.NewDecoder(r.Body).Decode(&sent) != nil {
		refuse(w, 400, "BadRequest", "no Scale")
		return
	}
	s.mu.Lock()
	o := copied(s.objects[t.object])
	spec, _ := o["spec"].(Object)
	replicas, _ := spec["replicas"].(float64)
	version := metaOf(o)["resourceVersion"].(string)
	changed := false
	if verb == "update" {
		switch {
		case sent.Spec.Replicas < 0:
			s.mu.Unlock()
			refuse(w, 422, "Invalid", fmt.Sprintf("spec.replicas: Invalid value: %d: must be greater than or equal to 0", sent.Spec.Replicas))
			return
		case sent.Metadata.ResourceVersion != "" && sent.Metadata.ResourceVersion != version:
			s.mu.Unlock()
			refuse(w, 409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again")
			return
		}
		changed = int(replicas) != sent.Spec.Replicas
		spec["replicas"] = sent.Spec.Replicas
		version = s.put(t.object, o)
	}
	is := s.objects[t.object]
	s.mu.Unlock()
	if changed && s.Scaled != nil {
		s.Scaled(t.object, int(replicas), sent.Spec.Replicas)
	}
	answer(w, 200, scaleOf(is, version))
}

// scaleOf is an object's Scale: a number that is 0 is left out.
func scaleOf(o Object, version string) Object {
	spec, status := Object{}, Object{}
	if has, _ := o["spec"].(Object); has != nil && has["replicas"] != float64(0) && has["replicas"] != nil {
		spec["replicas"] = has["replicas"]
	}
	if has, _ := o["status"].(Object); has != nil && has["replicas"] != nil {
		status["replicas"] = has["replicas"]
		status["selector"] = has["selector"]
	} else {
		status["replicas"] = float64(0)
	}
	meta := metaOf(o)
	return Object{"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": Object{
		"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": version}, "spec": spec, "status": status}
}
