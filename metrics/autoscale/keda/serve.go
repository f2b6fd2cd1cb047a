// Serving the contract: gRPC over HTTP/2, with TLS or without.

package keda

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

const service = "/externalscaler.ExternalScaler/"

// mostBytes bounds a request; KEDA's have some hundred.
const mostBytes = 64 << 10

// shutdownPatience is how long calls under way may take once the scaler is to end.
const shutdownPatience = 2 * time.Second

// Handler answers the calls of the contract, on whatever serves HTTP/2.
func (s *Scaler) Handler() http.Handler {
	options := []connect.HandlerOption{connect.WithCodec(codec{}), connect.WithReadMaxBytes(mostBytes)}
	mux := http.NewServeMux()
	for name, h := range map[string]http.Handler{
		"IsActive":       connect.NewUnaryHandler(service+"IsActive", s.isActive, options...),
		"StreamIsActive": connect.NewServerStreamHandler(service+"StreamIsActive", s.streamIsActive, options...),
		"GetMetricSpec":  connect.NewUnaryHandler(service+"GetMetricSpec", s.getMetricSpec, options...),
		"GetMetrics":     connect.NewUnaryHandler(service+"GetMetrics", s.getMetrics, options...),
	} {
		mux.Handle(service+name, h)
	}
	mux.HandleFunc(service, func(w http.ResponseWriter, _ *http.Request) { // gRPC's way to say that there is no such call
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "12")
		w.Header().Set("Grpc-Message", "no such call")
	})
	return mux
}

// Run serves on ln until ctx ends; config nil: without TLS.
func (s *Scaler) Run(ctx context.Context, ln net.Listener, config *tls.Config) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true) // so that whoever comes by it is told what this is
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	base, stop := context.WithCancel(context.Background())
	defer stop()
	server := &http.Server{
		Handler: s.Handler(), Protocols: &protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: mostStreams, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return base },
	}
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
		ln = tls.NewListener(ln, config)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		stop() // streams have no other end
		patience, cancel := context.WithTimeout(context.Background(), shutdownPatience)
		defer cancel()
		if err := server.Shutdown(patience); err != nil {
			_ = server.Close()
		}
	}()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve KEDA: %w", err)
	}
	<-ended
	return nil
}
