// The server: how it is reached, and what can be wrong with it.

package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is a server of one database. All methods are safe for concurrent use.
type Server struct {
	mu      sync.Mutex
	keys    map[string]value
	conns   map[net.Conn]bool
	says    string        // what it answers to everything; "": it works
	role    string        // "master", or "slave"
	need    string        // the password; "": none
	away    bool          // it cannot be reached
	stopped chan struct{} // closed when it goes on; nil: it runs
	ahead   time.Duration // how far its clock is before ours
	calls   map[string]int
}

// value is what a key holds: text, or the members of a set.
type value struct {
	text string
	set  map[string]bool
	ends time.Time // zero: never
}

// New returns a server that is empty and works.
func New() *Server {
	return &Server{keys: map[string]value{}, conns: map[net.Conn]bool{}, role: "master", calls: map[string]int{}}
}

// Dial connects to it, whatever the address.
func (s *Server) Dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	client, own := net.Pipe()
	s.conns[own] = true
	go s.serve(own)
	return client, nil
}

// Away takes it away, with all connections, or brings it back.
func (s *Server) Away(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
	for c := range s.conns {
		if away {
			_ = c.Close()
		}
	}
}

// Stop stops it as SIGSTOP does: it is there, and says nothing; or lets it go on.
func (s *Server) Stop(stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case stopped && s.stopped == nil:
		s.stopped = make(chan struct{})
	case !stopped && s.stopped != nil:
		close(s.stopped)
		s.stopped = nil
	}
}

// Say has it answer everything with an error, such as "LOADING Redis is loading"; "": it works again.
func (s *Server) Say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.says = text
}

// Role makes it a "slave", which refuses to write, or a "master" again.
func (s *Server) Role(role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role = role
}

// Password has new connections show one.
func (s *Server) Password(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.need = text
}

// Empty does what FLUSHALL does, or a restart without a file.
func (s *Server) Empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]value{}
}

// Hold has a key hold a text, as somebody else may have written it, whatever its size.
func (s *Server) Hold(key, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = value{text: text}
}

// HoldSet has a key hold a set, likewise.
func (s *Server) HoldSet(key string, members map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = value{set: members}
}

// Step moves its clock.
func (s *Server) Step(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += by
}

// Calls is how often a command came.
func (s *Server) Calls(command string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[command]
}

// Close ends all connections.
func (s *Server) Close() {
	s.Away(true)
	s.Stop(false)
}

func (s *Server) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	in, known := bufio.NewReader(c), false
	answers := make(chan string, mostWaiting)
	defer close(answers)
	go send(c, answers)
	for {
		args, err := readCommand(in)
		if err != nil {
			return
		}
		s.mu.Lock()
		stopped := s.stopped
		s.mu.Unlock()
		if stopped != nil {
			<-stopped
		}
		name := strings.ToUpper(args[0])
		answers <- s.answer(name, args[1:], &known)
	}
}

// mostWaiting is how many answers may wait for a client that still sends commands.
const mostWaiting = 4096

// send sends answers until there are no more.
func send(c net.Conn, answers <-chan string) {
	for answer := range answers {
		if _, err := io.WriteString(c, answer); err != nil {
			_ = c.Close()
		}
	}
}

// answer is what it says to one command, as it is sent.
func (s *Server) answer(name string, args []string, known *bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	command, is := commands[name]
	switch {
	case s.says != "":
		return "-" + s.says + "\r\n"
	case name == "AUTH":
		if *known = args[len(args)-1] == s.need; !*known {
			return "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		}
		return "+OK\r\n"
	case s.need != "" && !*known:
		return "-NOAUTH Authentication required.\r\n"
	case !is:
		return fmt.Sprintf("-ERR unknown command '%s'\r\n", name)
	case command.writes && s.role != "master":
		return "-READONLY You can't write against a read only replica.\r\n"
	}
	return command.do(s, args)
}
