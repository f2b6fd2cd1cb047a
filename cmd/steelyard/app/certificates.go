// Telling of certificates that are near their end.

package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const (
	// endsSoon and endsNow are how long before its end a certificate is told of, and told of again. One that lives
	// for days only is replaced when little of that is left: for it they are a third and a tenth of its life.
	endsSoon = 14 * 24 * time.Hour
	endsNow  = 24 * time.Hour

	lookAtCertificates = time.Minute
)

// ending is how near its end a certificate is.
type ending uint8

const (
	endsLater ending = iota
	endsInDays
	endsInHours
	hasEnded
)

// certificates tells of those that clients or endpoints are shown. Only the goroutine of run uses it, after listen.
type certificates struct {
	events    *event.Log
	endpoints func() []shownCertificate // of endpoints now
	listeners []listenerCertificate

	told map[string]toldEnding // by file
}

type listenerCertificate struct {
	file   string
	config *tls.Config
}

// shownCertificate is one certificate and the file it came from.
type shownCertificate struct {
	file string
	leaf *x509.Certificate
}

// toldEnding is what was last told of a file, and of which certificate in it.
type toldEnding struct {
	end time.Time
	how ending
}

// run looks at the certificates until ctx ends.
func (c *certificates) run(ctx context.Context) error {
	c.look(time.Now())
	return every(ctx, lookAtCertificates, c.look)
}

// look tells, once for each certificate and each step, how near the end is.
func (c *certificates) look(now time.Time) {
	told := map[string]toldEnding{}
	for _, s := range append(c.ofListeners(), c.endpoints()...) {
		if _, again := told[s.file]; again {
			continue
		}
		was, how := c.told[s.file], endingOf(s.leaf, now)
		if was.end.Equal(s.leaf.NotAfter) && how <= was.how {
			told[s.file] = was
			continue
		}
		told[s.file] = toldEnding{s.leaf.NotAfter, how}
		if how != endsLater {
			c.events.Publish(endingEvent(s, how, now))
		}
	}
	c.told = told
}

// ofListeners is what clients are shown now. To ask for it reads changed files again, as a handshake does.
func (c *certificates) ofListeners() (list []shownCertificate) {
	for _, l := range c.listeners {
		if pair, err := l.config.GetCertificate(&tls.ClientHelloInfo{}); err == nil {
			list = append(list, shownCertificate{l.file, pair.Leaf})
		}
	}
	return list
}

func endingOf(leaf *x509.Certificate, now time.Time) ending {
	life, left := leaf.NotAfter.Sub(leaf.NotBefore), leaf.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return hasEnded
	case left <= min(endsNow, life/10):
		return endsInHours
	case left <= min(endsSoon, life/3):
		return endsInDays
	}
	return endsLater
}

func endingEvent(s shownCertificate, how ending, now time.Time) event.Event {
	e := event.Event{Kind: event.CertificateEnding, Cause: "it ends at " + s.leaf.NotAfter.UTC().Format(time.RFC3339),
		Evidence: map[string]any{"file": s.file, "seconds_left": s.leaf.NotAfter.Sub(now).Round(time.Second).Seconds()}}
	if how == hasEnded {
		e.Kind, e.Cause = event.CertificateEnded, "it ended at "+s.leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	return e
}

// certificates are those that the endpoints are shown.
func (f *fleet) certificates() (list []shownCertificate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		for _, m := range u.members {
			if m.want.tls == nil {
				continue
			}
			for _, pair := range m.want.tls.Certificates {
				list = append(list, shownCertificate{m.want.identity.tls.CertFile, pair.Leaf})
			}
		}
	}
	return list
}
