// The objects, and what has happened to them.

package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Object is one as JSON has it.
type Object = map[string]any

// event is one that watchers are told.
type event struct {
	version int
	kind    string // ADDED, MODIFIED or DELETED
	path    string
	object  Object
}

// Server is an http.Handler. Its methods may be called at any time.
type Server struct {
	mu        sync.Mutex // guards everything below
	objects   map[string]Object
	version   int
	forgotten int // no watch can begin before that version
	history   []event
	more      chan struct{} // closed at the next change; nil: nobody waits
	down      bool
	silent    bool
	cut       chan struct{} // closed when all connections shall break; nil: nobody waits
	seen      map[string]int

	// Written before the first request.
	Tokens   map[string]bool                    // that are good; nil: all, and none
	Allow    func(verb, resource string) bool   // nil: everything
	Bookmark time.Duration                      // between two bookmarks; 0: none
	Scaled   func(path string, from, to int)    // told of each change of a scale subresource, without a lock
	Before   func(r *http.Request) (status int) // answers in the server's place; 0: it does not
}

// New returns a server without objects.
func New() *Server {
	return &Server{objects: map[string]Object{}, version: 1000, seen: map[string]int{}}
}

// Put makes or replaces the object at a path, and returns its version.
func (s *Server) Put(path string, o Object) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(path, o)
}

func (s *Server) put(path string, o Object) string {
	s.version++
	o = copied(o)
	meta := metaOf(o)
	parts := strings.Split(path, "/")
	meta["name"] = parts[len(parts)-1]
	if i := slices.Index(parts, "namespaces"); i >= 0 && i+2 < len(parts) {
		meta["namespace"] = parts[i+1]
	}
	kind := "ADDED"
	if was := s.objects[path]; was != nil {
		kind = "MODIFIED"
		if meta["uid"] == nil {
			meta["uid"] = metaOf(was)["uid"]
		}
	}
	if meta["uid"] == nil {
		meta["uid"] = fmt.Sprintf("uid-%d", s.version)
	}
	meta["resourceVersion"] = strconv.Itoa(s.version)
	s.objects[path] = o
	s.tell(event{s.version, kind, path, o})
	return strconv.Itoa(s.version)
}

// Delete removes the object at a path.
func (s *Server) Delete(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[path]; o != nil {
		s.version++
		o = copied(o)
		metaOf(o)["resourceVersion"] = strconv.Itoa(s.version)
		delete(s.objects, path)
		s.tell(event{s.version, "DELETED", path, o})
	}
}

func (s *Server) tell(e event) {
	s.history = append(s.history, e)
	wake(&s.more)
}

// Get is the object at a path, nil if there is none. Nobody may write to it.
func (s *Server) Get(path string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[path]
}

// Forget makes every version until now unknown to new watches, as a compaction or a restart does. Those under way go on, and miss nothing.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.forgotten = s.version
}

// Down cuts every connection, and each new one before it is answered, until it is up again.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down = down; down {
		s.breakAll()
	}
}

// Break cuts the connections there are.
func (s *Server) Break() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breakAll()
}

func (s *Server) breakAll() { wake(&s.cut) }

// waitFor is the channel that the next wake closes. It is made by who waits, so that a server may be filled outside of the
// bubble of a test in virtual time.
func waitFor(c *chan struct{}) <-chan struct{} {
	if *c == nil {
		*c = make(chan struct{})
	}
	return *c
}

func wake(c *chan struct{}) {
	if *c != nil {
		close(*c)
		*c = nil
	}
}

// Silent lets watches open and say nothing, not even bookmarks, as behind a network that drops everything.
func (s *Server) Silent(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// Seen is how often a verb on a kind was asked for: "list endpointslices".
func (s *Server) Seen(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[what]
}

// metaOf is an object's metadata, made if there is none.
func metaOf(o Object) Object {
	if m, is := o["metadata"].(Object); is {
		return m
	}
	m := Object{}
	o["metadata"] = m
	return m
}

func copied(o Object) Object {
	text, err := json.Marshal(o)
	if err != nil {
		panic("BUG: an object is no JSON: " + err.Error())
	}
	var c Object
	if err := json.Unmarshal(text, &c); err != nil {
		panic("BUG: an object is no JSON: " + err.Error())
	}
	return c
}

// within are the objects of a list's path that a selector matches, in the order of their names.
func (s *Server) within(path, selector string) (list []Object) {
	for _, at := range slices.Sorted(maps.Keys(s.objects)) {
		if inList(at, path) && matches(s.objects[at], selector) {
			list = append(list, s.objects[at])
		}
	}
	return list
}

func inList(path, list string) bool {
	rest, below := strings.CutPrefix(path, list+"/")
	return below && !strings.Contains(rest, "/")
}

func matches(o Object, selector string) bool {
	labels, _ := metaOf(o)["labels"].(Object)
	for term := range strings.SplitSeq(selector, ",") {
		key, value, _ := strings.Cut(term, "=")
		if key != "" && labels[key] != value {
			return false
		}
	}
	return true
}
