// The listener for KEDA.

package app

import (
	"crypto/tls"
	"fmt"
	"net"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/keda"
	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// listenForKEDA opens the listener, where there is to be one.
func (a *App) listenForKEDA(c *configs.Scaler, sockets *sockets) error {
	if c.Address == "" {
		return nil
	}
	config, err := a.scalerTLS(c.TLS)
	if err != nil {
		return fmt.Errorf("listen on %s for KEDA: %w", c.Address, err)
	}
	ln, err := sockets.listen(c.Address, 0, "", "")
	if err != nil {
		return &ListenError{Address: c.Address, Err: err}
	}
	a.scaler = &listener{ln, c.Address, config}
	return nil
}

// scalerTLS is nil where c is. The certificate follows its files; the authority of clients is that of the start.
func (a *App) scalerTLS(c *configs.ScalerTLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil
	}
	config, err := front.ServerTLS(c.CertFile, c.KeyFile, a.log, a.metrics.CertificateExpires)
	if err != nil || c.ClientCAFile == "" {
		return config, err
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.ClientCAs, err = readRoots("scaler.tls.client_ca_file", c.ClientCAFile)
	return config, err
}

// kedaScaler answers KEDA by what is known of each upstream that scales.
func (a *App) kedaScaler() *keda.Scaler {
	return keda.New(keda.Options{Upstreams: a.scaledUpstreams, Figure: func(upstream string) (keda.Figure, bool) {
		need, active, known, why, found := a.scaleFigure(upstream)
		return keda.Figure{Value: need, Target: 1, Active: active, Known: known, Why: why}, found
	}})
}

// ScalerAddr is the address of the listener for KEDA, or nil.
func (a *App) ScalerAddr() net.Addr {
	if a.scaler == nil {
		return nil
	}
	return a.scaler.Addr()
}
