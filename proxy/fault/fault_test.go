package fault_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
)

func TestEveryKindSaysWhatItIs(t *testing.T) {
	codes := map[string]bool{}
	for k := fault.Internal; k <= fault.Loop; k++ {
		require.GreaterOrEqual(t, k.Status(), 400)
		require.NotEmpty(t, k.Code())
		require.Equal(t, k == fault.TotalInBody, codes[k.Code()], "%s stands for two kinds", k.Code())
		codes[k.Code()] = true
		require.NotEmpty(t, fault.New(k, nil).Sentence())
		require.NotEmpty(t, k.Source().ErrorType())
		require.NotEmpty(t, k.Source().String())
	}
}

func TestCauseHidesAddresses(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 9001}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for want, err := range map[string]error{
		"connection refused":         refused,
		"look up name: no such host": &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true, Name: "gpu.internal", Server: "10.0.0.1:53"}},
		"timed out":                  fmt.Errorf("read 10.1.2.3: %w", os.ErrDeadlineExceeded),
		"":                           &net.OpError{Op: "dial", Addr: &net.TCPAddr{}, Err: errors.New("odd")},
		"ours":                       fmt.Errorf("odd: %w", fault.Reason("ours")),
	} {
		require.Equal(t, want, fault.Cause(err))
	}
	require.Equal(t, "connection refused", fault.New(fault.Connect, refused).At("gpu3").Why())
	require.Equal(t, "not connected within timeouts.connect", fault.New(fault.ConnectTimeout, nil).At("gpu3").Why())
	require.Equal(t, "endpoint gpu3: could not connect: connection refused", fault.New(fault.Connect, refused).At("gpu3").Sentence())
	require.Equal(t, "endpoint gpu3: connect_failed: connection refused", fault.New(fault.Connect, refused).At("gpu3").At("other").Error())
}

func TestAs(t *testing.T) {
	f := fault.New(fault.Closed, nil).Unsent()
	require.Same(t, f, fault.As(fmt.Errorf("attempt: %w", f)))
	require.False(t, f.Sent)
	require.Equal(t, fault.Internal, fault.As(errors.New("odd")).Kind)
}

// No text, however long, makes an answer of ours long, and none is cut within a letter.
func TestTextsHaveBounds(t *testing.T) {
	f := fault.New(fault.Connect, fault.Reason(strings.Repeat("ü", 60<<10))).At("gpu3")
	for _, text := range []string{f.Sentence(), f.Error()} {
		require.Less(t, len(text), 1100)
		require.True(t, utf8.ValidString(text))
		require.Contains(t, text, "endpoint gpu3")
	}
	require.Equal(t, "internal error", fault.New(fault.Internal, errors.New("BUG: secret")).Sentence())
}
