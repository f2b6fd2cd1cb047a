package app

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// TestACertificateIsToldOfOnceAtEachStep: 14 days and a day before its end, and then. Another certificate
// in the same file is told of anew.
func TestACertificateIsToldOfOnceAtEachStep(t *testing.T) {
	const day = 24 * time.Hour
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	leaf := &x509.Certificate{NotBefore: begin, NotAfter: begin.Add(90 * day)}
	log := event.NewLog(nil)
	c := certificates{events: log, endpoints: func() []shownCertificate {
		return []shownCertificate{{"a.pem", leaf}, {"a.pem", leaf}}
	}}
	after := func(d time.Duration) (kinds []event.Kind) {
		seen := log.Newest()
		for range 3 {
			c.look(begin.Add(d))
		}
		events, _ := log.Since(seen)
		for _, e := range events {
			assert.Equal(t, "a.pem", e.Evidence["file"])
			kinds = append(kinds, e.Kind)
		}
		return kinds
	}
	assert.Empty(t, after(75*day))
	assert.Equal(t, []event.Kind{event.CertificateEnding}, after(76*day))
	assert.Empty(t, after(88*day))
	assert.Equal(t, []event.Kind{event.CertificateEnding}, after(89*day))
	assert.Equal(t, []event.Kind{event.CertificateEnded}, after(90*day))
	assert.Empty(t, after(100*day))

	leaf = &x509.Certificate{NotBefore: begin.Add(100 * day), NotAfter: begin.Add(102 * day)}
	assert.Empty(t, after(100*day), "a certificate of two days is young on its first")
	assert.Equal(t, []event.Kind{event.CertificateEnding}, after(101*day+12*time.Hour))
	assert.Equal(t, []event.Kind{event.CertificateEnded}, after(103*day))
}
