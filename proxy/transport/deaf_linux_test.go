package transport_test

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// deaf is an address that answers no attempt to connect: a listener that accepts
// nothing, its queue full.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := "127.0.0.1:" + strconv.Itoa(name.(*syscall.SockaddrInet4).Port)
	for i := range 16 {
		patience := time.Minute // for the first, which there is room for
		if i > 0 {
			patience = 50 * time.Millisecond
		}
		c, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Skip("the queue of this kernel does not fill up")
	return ""
}

func TestEndpointThatDoesNotAnswerTheDial(t *testing.T) {
	o := transport.Options{Network: "tcp", Address: deaf(t), Connect: 20 * time.Millisecond, Metrics: metrics.New(metrics.Build{}).Endpoint("u", "e")}
	_, err := transport.NewPool(o).Acquire(new(wire.Cancel), false, wire.Now())
	assert.Equal(t, fault.ConnectTimeout, fault.As(err).Kind)
	assert.False(t, fault.As(err).Sent)

	o.Connect = 0
	var cancel wire.Cancel
	cause := errors.New("the client left")
	done := make(chan error, 1)
	go func() { _, err := transport.NewPool(o).Acquire(&cancel, false, wire.Now()); done <- err }()
	cancel.Cancel(cause)
	assert.Equal(t, cause, <-done)
}
