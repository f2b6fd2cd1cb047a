// What the two programs say to each other.

package handover

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// variable holds the manifest. It is no key of the configuration, so it is not called like one.
const variable = "_STEELYARD_HANDOVER"

// firstDescriptor is behind the standard streams.
const firstDescriptor = 3

// manifest says what each descriptor from firstDescriptor on is: first the old program, then the
// sockets, then the older programs, then what else the new program goes on with.
type manifest struct {
	Sockets []socketNote `json:"sockets"`
	Older   int          `json:"older"`
	Kept    []string     `json:"kept,omitempty"` // notes
}

type socketNote struct {
	Address string `json:"address"`
	Foreign bool   `json:"foreign,omitempty"`
}

// The kinds of messages.
const (
	ready   = "ready"
	serve   = "serve"
	serving = "serving"
	load    = "load"
	servers = "servers"
)

// message is any of them.
type message struct {
	Kind  string `json:"kind"`
	Serve *Serve `json:"serve,omitempty"`
	State
	Servers Servers `json:"servers,omitempty"`
}

// State is what an old program still has to do.
type State struct {
	Load    Load           `json:"load,omitempty"`
	Waiting map[string]int `json:"waiting,omitempty"` // requests that wait for a server, by upstream
}

// Servers are those that the new program has started or found by whoever starts them, by upstream: for requests that wait in
// an old program, which starts none any more.
type Servers map[string][]Server

// Server is one of them.
type Server struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	ID      string `json:"id,omitempty"` // who it is beyond its address
	Leaving bool   `json:"leaving,omitempty"`
}

// Load is how many requests there are at each server, by its address.
type Load map[string]int64

// sum is all of them together.
func sum(all []State) State {
	total := State{Load{}, map[string]int{}}
	for _, one := range all {
		for address, n := range one.Load {
			total.Load[address] += n
		}
		for upstream, n := range one.Waiting {
			total.Waiting[upstream] += n
		}
	}
	return total
}

// Drain is an endpoint that an operator has drained.
type Drain struct {
	Upstream string `json:"upstream"`
	Endpoint string `json:"endpoint"`
	Reason   string `json:"reason"`
}

// Serve is what the new program has to know when it begins.
type Serve struct {
	State                    // of the old program
	Older  []Load            `json:"older"` // of those before it, in the order of their descriptors; written by Child.Serve
	Drains []Drain           `json:"drains"`
	Paused map[string]string `json:"paused,omitempty"` // upstreams whose servers nobody starts or stops, and why
	Reload bool              `json:"reload"`           // the configuration was reloaded since the new program was started
}

// mostMessage is more than a message about several thousand busy servers.
const mostMessage = 256 << 10

// line is a connection between two programs. Messages keep their bounds, so that a third program can
// go on reading where another has stopped.
type line struct {
	*net.UnixConn
	buffer []byte
}

// newLine makes one of a descriptor, and takes that over.
func newLine(fd int) (*line, error) {
	file := os.NewFile(uintptr(fd), "handover")
	defer func() { _ = file.Close() }()
	c, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("descriptor %d is no connection to another program", fd)
	}
	_ = u.SetWriteBuffer(mostMessage) // as far as the system allows
	return &line{UnixConn: u}, nil
}

// pair is two ends of a new line, the second for another program.
func pair() (ours *line, theirs int, err error) {
	syscall.ForkLock.RLock() // a program that is started meanwhile, for a recovery, must get neither end
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	if ours, err = newLine(fds[0]); err != nil {
		_ = unix.Close(fds[1])
		return nil, -1, err
	}
	return ours, fds[1], nil
}

// sendTime bounds a send to a program that does not listen.
const sendTime = 5 * time.Second

func (l *line) send(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := l.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	_, err = l.Write(text)
	return err
}

// receive waits for the next message. One goroutine at a time may call it.
func (l *line) receive() (m message, err error) {
	if l.buffer == nil {
		l.buffer = make([]byte, mostMessage)
	}
	n, err := l.Read(l.buffer)
	if err != nil {
		return m, err
	}
	if n == 0 {
		return m, net.ErrClosed
	}
	return m, json.Unmarshal(l.buffer[:n], &m)
}

// copyOf is a descriptor of the line for another program.
func (l *line) copyOf() (fd int, err error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlErr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if controlErr != nil {
		err = controlErr
	}
	return fd, err
}
