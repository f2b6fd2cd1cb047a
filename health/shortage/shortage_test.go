package shortage_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/health/shortage"
)

func dialError(errno syscall.Errno, to net.IP) error {
	return fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: to, Port: 9}, Err: os.NewSyscallError("connect", errno)})
}

func TestWhatIsOurs(t *testing.T) {
	here := net.IPv4(127, 0, 0, 1)
	for name, c := range map[string]struct {
		err  error
		ours bool
	}{
		"nothing":                 {nil, false},
		"descriptors":             {dialError(syscall.EMFILE, here), true},
		"descriptors of all":      {dialError(syscall.ENFILE, here), true},
		"buffers":                 {dialError(syscall.ENOBUFS, here), true},
		"memory":                  {dialError(syscall.ENOMEM, here), true},
		"ports":                   {dialError(syscall.EADDRNOTAVAIL, here), true},
		"refused":                 {dialError(syscall.ECONNREFUSED, here), false},
		"no way there":            {dialError(syscall.EHOSTUNREACH, here), false},
		"time":                    {context.DeadlineExceeded, false},
		"a look-up without one":   {&net.DNSError{Err: "dial udp 127.0.0.53:53: socket: too many open files", Name: "gpu"}, true},
		"a look-up that failed":   {&net.DNSError{Err: "no such host", Name: "gpu", IsNotFound: true}, false},
		"an address that is none": {&net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)}, false},
		"odd":                     {errors.New("too many open files"), false},
	} {
		assert.Equal(t, c.ours, shortage.Is(c.err), name)
	}
}
