// A listener's certificate, read again when its files change.

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

// checkEvery is how often the times of the files are looked at.
const checkEvery = time.Second

// certificate is a key pair that is read again when its files change. If that
// fails the old pair stays in use.
type certificate struct {
	certFile, keyFile string
	log               *zap.Logger
	expires           func(file string, at time.Time)
	current           atomic.Pointer[tls.Certificate] // written by load

	mu      sync.Mutex // one goroutine at a time looks at the files
	checked time.Time
	warned  time.Time    // when the end of current was warned of
	lost    bool         // the files could not be looked at, and that was said
	times   [2]time.Time // of the files that current was read from
}

// expiryNear is how long before its end a certificate is warned of, once a day.
const (
	expiryNear  = 14 * 24 * time.Hour
	remindAfter = 24 * time.Hour
)

// ServerTLS makes the TLS configuration of a listener: TLS 1.2 and later, with a
// certificate that follows its files. It calls expires with the end of each
// certificate.
func ServerTLS(certFile, keyFile string, log *zap.Logger, expires func(file string, at time.Time)) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, expires: expires}
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
	c.remind()
	times, err := c.fileTimes()
	if err != nil {
		c.missing(err)
		return
	}
	c.lost = false
	if times == c.times {
		return
	}
	if err := c.load(times); err != nil {
		c.log.Warn("certificate not reloaded, the old one stays", zap.String("file", c.certFile), zap.Error(err))
		return
	}
	c.log.Info("certificate reloaded", zap.String("file", c.certFile))
}

// missing logs once that a file cannot be looked at. It is called when the file has
// been away for longer than a replacement takes.
func (c *certificate) missing(err error) {
	if !c.lost {
		c.lost = true
		c.log.Warn("certificate's files cannot be read, the old one stays; the next start would fail",
			zap.String("file", c.certFile), zap.Error(err))
	}
}

// remind warns of a certificate that ends soon.
func (c *certificate) remind() {
	end := c.current.Load().Leaf.NotAfter
	left := time.Until(end)
	if left > expiryNear || time.Since(c.warned) < remindAfter {
		return
	}
	c.warned = time.Now()
	text := "certificate ends soon"
	if left <= 0 {
		text = "certificate has ended, clients refuse it"
	}
	c.log.Warn(text, zap.String("file", c.certFile), zap.Time("end", end))
}

func (c *certificate) load(times [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	c.times, c.warned = times, time.Time{}
	c.expires(c.certFile, pair.Leaf.NotAfter)
	c.remind()
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
