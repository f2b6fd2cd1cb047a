package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// contextUntil ends when stopped is closed.
func contextUntil(t *testing.T, stopped <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-stopped
		cancel()
	}()
	return ctx
}

func post(t *testing.T, s *httptest.Server, timeout time.Duration) error {
	t.Helper()
	return Post(t.Context(), Target{URL: NewSecret(s.URL + "/secret-path"), Timeout: timeout},
		messageOf(event.Event{ID: 7, Kind: event.Ejected}, "gw1", "boot"), 1)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var astray atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { astray.Add(1) }))
	defer other.Close()
	for _, to := range []string{other.URL, "::no url with secret-path"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}))
		err := post(t, s, time.Minute)
		assert.EqualError(t, err, "answered 307, and redirects are not followed: give the address they lead to")
		s.Close()
	}
	assert.Zero(t, astray.Load())
}

func TestAServerThatHangsIsGivenUp(t *testing.T) {
	leave := make(chan struct{})
	var servers []*httptest.Server
	defer func() {
		close(leave)
		for _, s := range servers {
			s.Close()
		}
	}()
	for _, handler := range []http.HandlerFunc{
		func(http.ResponseWriter, *http.Request) { <-leave },
		func(w http.ResponseWriter, _ *http.Request) { // the head comes, the body never ends
			w.WriteHeader(http.StatusInternalServerError)
			_ = http.NewResponseController(w).Flush()
			<-leave
		},
	} {
		s := httptest.NewServer(handler)
		servers = append(servers, s)
		require.Error(t, post(t, s, 50*time.Millisecond))
	}
}

func TestAnAddressWhereNobodyListensIsNotShown(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	err := post(t, s, time.Minute)
	assert.EqualError(t, err, "connect: connection refused")
}

// Some receivers are known by a host name that nobody else may know.
func TestAHostIsNotShown(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	for host, said := range map[string]string{
		"secret.invalid": "its name could not be looked up: ",
		"localhost":      "its certificate is for another name", // the server's own is for 127.0.0.1 and example.com
	} {
		_, port, err := net.SplitHostPort(s.Listener.Addr().String())
		require.NoError(t, err)
		p := NewPoster(Target{URL: NewSecret("https://" + net.JoinHostPort(host, port)), Timeout: time.Minute})
		p.http.Transport.(stayer).next.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
		err = p.Post(t.Context(), Sending{ID: "id", Attempts: 1})
		assert.ErrorContains(t, err, said)
		assert.NotContains(t, err.Error(), host)
		p.Close()
	}
}
