// Where endpoints are found, and what is made of each that is.

package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/file"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/http"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/filewatch"
	"github.com/steelyard-proxy/steelyard/configs"
)

// newSource makes the source that the configuration asks for. It has one case for each of configs.DiscoveryKinds.
func newSource(c *configs.Discovery, log *zap.Logger) (discovery.Source, error) {
	shape := discovery.Shape{Scheme: c.Scheme, Port: c.Port}
	switch c.Kind {
	case "http":
		return http.New(http.Options{URL: string(c.URL), CAFile: c.CAFile, TokenFile: c.TokenFile, Shape: shape, Interval: c.Interval})
	case "file":
		return file.New(file.Options{Paths: c.Files(), Shape: shape, Interval: c.Interval, Watch: watchFiles(log)})
	case "kubernetes":
		return newServiceSource(c, log)
	case "dns":
		return dnsSource(c)
	case "consul":
		return consulSource(c)
	case "redis":
		return redisSource(c)
	}
	return nil, fmt.Errorf("discovery of kind %q is not known", c.Kind)
}

// mostTier is the last tier that there is.
const mostTier = 9

// watchFiles is how a source hears that files have changed.
func watchFiles(log *zap.Logger) func(context.Context, func() []string, func()) {
	return func(ctx context.Context, files func() []string, changed func()) {
		_ = filewatch.Run(ctx, filewatch.Options{Files: files, Changed: changed, Appearing: true, Log: log}) // it fails never
	}
}

// finding is what the configuration asks of one source, ready to be used.
type finding struct {
	config configs.Discovery
	source discovery.Source // nil: somebody tells the sink
	tls    tlsFiles         // of the endpoints
	files  [sha256.Size]byte
}

// prepareFinding makes what an upstream's discovery asks for; nil where it has none.
func (f *fleet) prepareFinding(c *configs.Discovery) (*finding, error) {
	if c == nil {
		return nil, nil
	}
	g := &finding{config: *c}
	var err error
	if g.tls, err = readTLSFiles(c.TLS); err != nil {
		return nil, err
	}
	g.files = g.tls.sum()
	g.source, err = newSource(c, f.log)
	return g, err
}

// wants is an endpoint as a source names it, with what the configuration says of all of them. name is the source's, and
// before what was made of the endpoint of that name before, or nil.
func (g *finding) wants(c *configs.Upstream, name string, e *discovery.Endpoint, before *wanted) (w wanted, err error) {
	w.identity = identity{name: e.Name, url: e.URL, id: e.ID}
	w.settings = settings{
		capacity: g.config.Capacity, slots: g.config.Slots, prefixCache: configs.PrefixCache{Auto: true}, tier: min(g.config.Tier+e.Tier, mostTier),
		connect: c.Timeouts.Connect, connections: c.Connections, source: name,
	}
	if e.Capacity > 0 {
		w.capacity = configs.Capacity{Value: e.Capacity}
	}
	if e.Slots > 0 {
		w.slots = configs.Slots{Value: e.Slots}
	}
	if e.Departing {
		w.departing = "its source says that it is about to go"
	}
	if g.config.TLS != nil {
		w.identity.tls = *g.config.TLS
	}
	w.identity.files = g.files
	if before != nil && before.identity == w.identity {
		w.address, w.tls = before.address, before.tls
		return w, nil
	}
	if w.address, err = url.Parse(e.URL); err != nil {
		return w, fmt.Errorf("parse url: %w", err)
	}
	w.tls, err = clientTLS(w.address, g.config.TLS, g.tls)
	return w, err
}
