package fault_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
)

// No cause tells a client where endpoints or name servers are.
func TestNoCauseTellsAnAddress(t *testing.T) {
	for _, err := range []error{
		&net.OpError{Op: "dial", Err: &net.DNSError{Err: "read udp 192.0.2.1:40000->192.0.2.53:53: read: connection refused", Name: "gpu.internal", Server: "192.0.2.53:53"}},
		&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "192.0.2.7"}},
		x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.CANotAuthorizedForThisName, Detail: "192.0.2.7 is not permitted"},
		&net.OpError{Op: "dial", Err: &net.AddrError{Err: "mismatched local address type", Addr: "192.0.2.7"}},
	} {
		assert.NotContains(t, fault.Cause(err), "192.0.2", "%T", err)
		assert.NotEmpty(t, fault.Cause(err))
	}
}
