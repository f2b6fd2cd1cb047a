// What can be wrong with a server, in words.

package store

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/gomodule/redigo/redis"
)

// Kind is a sort of error that is handled alike.
type Kind uint8

// The kinds.
const (
	Away     Kind = iota // it cannot be reached, or hung up
	Slow                 // it did not answer in time
	Loading              // it is not ready yet: it reads its data, or waits for its master
	Denied               // it does not know us, or does not allow us that
	ReadOnly             // it is a replica, where nothing can be written
	Full                 // it cannot write: no memory, or no disk
	Refused              // any other error that it answered
)

// Error is a call that failed.
type Error struct {
	Kind  Kind
	Where string // the server, without user or password
	Err   error
}

var remedies = [...]string{
	Away:     " cannot be reached: %; start it, or mend its address",
	Slow:     " did not answer in time",
	Loading:  " is not ready yet: %",
	Denied:   " does not let us in: %; give a user and a password that may do this",
	ReadOnly: " is a replica, where nothing can be written: %; give the address of the master, or those of all",
	Full:     " cannot write: %; give it more memory or disk",
	Refused:  " answered with an error: %",
}

func (e *Error) Error() string {
	return e.Where + strings.Replace(remedies[e.Kind], "%", cause(e.Err), 1)
}

func (e *Error) Unwrap() error { return e.Err }

// cause is an error without what the sentence around it says already.
func cause(err error) string {
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err + " of its name " + dns.Name
	}
	if errors.Is(err, io.EOF) {
		return "it closed the connection"
	}
	return err.Error()
}

// codes are the first words of a server's errors, and what they mean. All others are Refused.
var codes = map[string]Kind{
	"LOADING": Loading, "MASTERDOWN": Loading, "BUSY": Loading, "CLUSTERDOWN": Loading, "TRYAGAIN": Loading,
	"NOAUTH": Denied, "WRONGPASS": Denied, "NOPERM": Denied, "DENIED": Denied,
	"READONLY": ReadOnly, "NOREPLICAS": Full, "OOM": Full, "MISCONF": Full,
}

// kindOf sorts an error, of the connection or of the server.
func kindOf(err error) Kind {
	if said, ok := errors.AsType[redis.Error](err); ok {
		text := said.Error()
		code, _, _ := strings.Cut(text, " ")
		kind, known := codes[strings.TrimPrefix(code, "-")]
		switch {
		case known:
			return kind
		// A write within a script, by servers before 7.
		case strings.Contains(text, "READONLY "), strings.Contains(text, "-READONLY"):
			return ReadOnly
		case strings.Contains(text, "-OOM "), strings.Contains(text, "OOM command not allowed"):
			return Full
		case strings.Contains(text, "invalid password"), strings.Contains(text, "AUTH"), strings.Contains(text, "max number of clients"):
			return Denied
		}
		return Refused
	}
	if errors.Is(err, errTooMuch) {
		return Refused
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return Slow
	}
	return Away
}

// moves says whether the master may be elsewhere, or the connection is of no more use.
func (k Kind) moves() bool { return k != Refused && k != Full }
