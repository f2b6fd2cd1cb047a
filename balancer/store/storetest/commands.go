// The commands that it knows.

package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command is one; do returns what is sent, and is called with the server's lock held.
type command struct {
	writes bool
	do     func(s *Server, args []string) string
}

const (
	nothing = "$-1\r\n"
	syntax  = "-ERR syntax error\r\n"

	wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
)

var commands = map[string]command{
	"PING":   {do: func(*Server, []string) string { return "+PONG\r\n" }},
	"SELECT": {do: func(*Server, []string) string { return "+OK\r\n" }},
	"CLIENT": {do: func(*Server, []string) string { return "+OK\r\n" }},
	"ROLE":   {do: func(s *Server, _ []string) string { return "*1\r\n" + bulk(s.role) }},
	"GET":    {do: func(s *Server, args []string) string { return s.text(args[0]) }},
	"GETRANGE": {do: func(s *Server, args []string) string {
		v, ok := s.live(args[0])
		first, _ := strconv.Atoi(args[1])
		last, _ := strconv.Atoi(args[2])
		if ok && v.set != nil {
			return wrongType
		}
		if first < 0 || last < 0 {
			return syntax // as far as it is used here
		}
		return bulk(v.text[min(first, len(v.text)):min(last+1, len(v.text))])
	}},
	"EXISTS": {do: func(s *Server, args []string) string {
		if _, ok := s.live(args[0]); !ok {
			return number(0)
		}
		return number(1)
	}},
	"SCARD": {do: func(s *Server, args []string) string {
		v, ok := s.live(args[0])
		if ok && v.set == nil {
			return wrongType
		}
		return number(len(v.set))
	}},
	"PTTL": {do: func(s *Server, args []string) string {
		v, ok := s.live(args[0])
		switch {
		case !ok:
			return number(-2)
		case v.ends.IsZero():
			return number(-1)
		}
		return number(int(v.ends.Sub(s.now()).Milliseconds()))
	}},
	"SMEMBERS": {do: func(s *Server, args []string) string {
		v, ok := s.live(args[0])
		if ok && v.set == nil {
			return wrongType
		}
		var all []string
		for _, member := range slices.Sorted(maps.Keys(v.set)) {
			all = append(all, bulk(member))
		}
		return list(all)
	}},
	"SET": {writes: true, do: (*Server).set},
	"DEL": {writes: true, do: func(s *Server, args []string) string {
		n := 0
		for _, key := range args {
			if _, ok := s.live(key); ok {
				n++
			}
			delete(s.keys, key)
		}
		return number(n)
	}},
	"SADD": {writes: true, do: func(s *Server, args []string) string {
		v, ok := s.live(args[0])
		if !ok {
			v = value{set: map[string]bool{}}
			s.keys[args[0]] = v
		}
		if v.set == nil {
			return wrongType
		}
		before := len(v.set)
		for _, member := range args[1:] {
			v.set[member] = true
		}
		return number(len(v.set) - before)
	}},
	"SREM": {writes: true, do: func(s *Server, args []string) string {
		v, _ := s.live(args[0])
		before := len(v.set)
		for _, member := range args[1:] {
			delete(v.set, member)
		}
		return number(before - len(v.set))
	}},
	"PEXPIRE": {writes: true, do: func(s *Server, args []string) string {
		v, ok := s.live(args[0])
		if !ok {
			return number(0)
		}
		ms, _ := strconv.Atoi(args[1])
		v.ends = s.now().Add(time.Duration(ms) * time.Millisecond)
		s.keys[args[0]] = v
		return number(1)
	}},
}

func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// live is what a key holds, if it has not expired.
func (s *Server) live(key string) (value, bool) {
	v, ok := s.keys[key]
	if ok && !v.ends.IsZero() && !v.ends.After(s.now()) {
		delete(s.keys, key)
		return value{}, false
	}
	return v, ok
}

func (s *Server) text(key string) string {
	v, ok := s.live(key)
	if !ok || v.set != nil {
		return nothing
	}
	return bulk(v.text)
}

// set is SET key value [PX ms] [NX | XX].
func (s *Server) set(args []string) string {
	if len(args) < 2 {
		return syntax
	}
	v, only := value{text: args[1]}, ""
	for i := 2; i < len(args); i++ {
		switch option := strings.ToUpper(args[i]); {
		case option == "NX" || option == "XX":
			only = option
		case option == "PX" && i+1 < len(args):
			i++
			ms, err := strconv.Atoi(args[i])
			if err != nil || ms <= 0 {
				return "-ERR invalid expire time in 'set' command\r\n"
			}
			v.ends = s.now().Add(time.Duration(ms) * time.Millisecond)
		default:
			return syntax
		}
	}
	if _, there := s.live(args[0]); only == "NX" && there || only == "XX" && !there {
		return nothing
	}
	s.keys[args[0]] = v
	return "+OK\r\n"
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }
func number(n int) string     { return fmt.Sprintf(":%d\r\n", n) }

func list(all []string) string {
	return fmt.Sprintf("*%d\r\n%s", len(all), strings.Join(all, ""))
}

// readCommand reads a list of strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readLength(in, '*')
	if err != nil || n < 1 {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	args := make([]string, n)
	for i := range args {
		length, err := readLength(in, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, length+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		args[i] = string(text[:length])
	}
	return args, nil
}

func readLength(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("want %c, got %q", kind, line)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
