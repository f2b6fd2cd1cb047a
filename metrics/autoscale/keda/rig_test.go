package keda

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet is what the scaler is told, by a test.
type fleet struct {
	mu      sync.Mutex
	figures map[string]Figure
}

func (f *fleet) set(upstream string, now Figure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.figures[upstream] = now
}

func (f *fleet) drop(upstream string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.figures, upstream)
}

func (f *fleet) figure(upstream string) (Figure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, found := f.figures[upstream]
	return now, found
}

func (f *fleet) names() (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.figures {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// rig is a scaler that serves, and a client that speaks HTTP/2 to it.
type rig struct {
	*testing.T
	*fleet
	address string
	stop    func() // ends the scaler and waits for it
	client  *http.Client
}

// newRig serves on a free port; server nil: without TLS.
func newRig(t *testing.T, server, client *tls.Config) *rig {
	t.Helper()
	f := &fleet{figures: map[string]Figure{"chat": {Value: 2.25, Target: 1, Active: true, Known: true}}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- New(Options{Figure: f.figure, Upstreams: f.names, Every: time.Millisecond}).Run(ctx, ln, server)
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(client == nil)
	protocols.SetHTTP2(client != nil)
	transport := &http.Transport{Protocols: &protocols, TLSClientConfig: client}
	t.Cleanup(transport.CloseIdleConnections)
	return &rig{t, f, ln.Addr().String(), stop, &http.Client{Transport: transport, Timeout: time.Minute}}
}

// call makes a call with the bytes of one message, and returns the messages of the answer and the status of gRPC.
func (r *rig) call(name string, message []byte) (answers [][]byte, status, says string) {
	r.Helper()
	response := r.begin(name, message)
	defer func() { _ = response.Body.Close() }()
	require.Equal(r, http.StatusOK, response.StatusCode)
	require.Contains(r, response.Header.Get("Content-Type"), "application/grpc")
	for {
		m, err := next(response.Body)
		if err != nil {
			require.ErrorIs(r, err, io.EOF)
			break
		}
		answers = append(answers, m)
	}
	trailer := response.Trailer
	if response.Header.Get("Grpc-Status") != "" {
		trailer = response.Header // there was nothing but a status
	}
	says, err := url.PathUnescape(trailer.Get("Grpc-Message"))
	require.NoError(r, err)
	return answers, trailer.Get("Grpc-Status"), says
}

func (r *rig) begin(name string, message []byte) *http.Response {
	r.Helper()
	scheme := "http://"
	if r.client.Transport.(*http.Transport).TLSClientConfig != nil {
		scheme = "https://"
	}
	frame := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	request, err := http.NewRequest(http.MethodPost, scheme+r.address+"/externalscaler.ExternalScaler/"+name, bytes.NewReader(frame))
	require.NoError(r, err)
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	response, err := r.client.Do(request)
	require.NoError(r, err)
	return response
}

// next reads one message of a stream.
func next(body io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(body, head[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err := io.ReadFull(body, m)
	return m, err
}
