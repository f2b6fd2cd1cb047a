package front

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// checkEvery is how old the knowledge of the files' times may be.
const checkEvery = time.Second

// certificate is a key pair that is read again when its files change. A pair
// that cannot be read leaves the one before it in use.
type certificate struct {
	certFile, keyFile string
	log               *zap.Logger
	current           atomic.Pointer[tls.Certificate] // written by load

	mu      sync.Mutex // one goroutine at a time looks at the files
	checked time.Time
	times   [2]time.Time // of the files that current was read from
}

// ServerTLS makes the TLS configuration of a listener: TLS 1.2 and later, with a
// certificate that follows its files.
func ServerTLS(certFile, keyFile string, log *zap.Logger) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	times, err := c.fileTimes()
	if err == nil {
		err = c.load(times)
	}
	if err != nil {
		return nil, fmt.Errorf("load certificate: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{protocol},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.follow()
			return c.current.Load(), nil
		},
	}, nil
}

// follow looks at the files, if nobody else does and nobody did just now.
func (c *certificate) follow() {
	if !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	if time.Since(c.checked) < checkEvery {
		return
	}
	c.checked = time.Now()
	times, err := c.fileTimes()
	if err != nil || times == c.times {
		return // gone for a moment, as while being replaced: look again later
	}
	if err := c.load(times); err != nil {
		c.log.Warn("certificate not reloaded, the old one stays", zap.String("file", c.certFile), zap.Error(err))
		return
	}
	c.log.Info("certificate reloaded", zap.String("file", c.certFile))
}

func (c *certificate) load(times [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	c.times = times
	return nil
}

func (c *certificate) fileTimes() (times [2]time.Time, err error) {
	for i, name := range [2]string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return times, err
		}
		times[i] = info.ModTime()
	}
	return times, nil
}
