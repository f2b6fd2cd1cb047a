// Causes of failures in words that clients may see.

package fault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Reason is a cause in words of our own, which clients may see.
type Reason string

func (r Reason) Error() string { return string(r) }

// Plain is the reason itself.
func (r Reason) Plain() string { return string(r) }

// ErrHandshake is what every failed TLS handshake wraps.
const ErrHandshake = Reason("the TLS handshake failed")

// plain is an error, of any room, in our own words: it holds nothing that a peer has sent.
type plain interface {
	error
	Plain() string
}

// Cause is the kind of an error in words without addresses: "connection refused"
// rather than "dial tcp 10.1.2.3:9001: connect: connection refused". Clients may see
// it, so it uses known words only: a peer can choose texts of any length in other
// errors, as a certificate does by its names. For an error that it does not know it
// is ""; the log has the whole error.
func Cause(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "look up name: " + lookupFailure(dns)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "timed out"
	}
	if words := certificateFailure(err); words != "" {
		return words
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS"
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return alert.Error() // one of a fixed list
	}
	if known, ok := errors.AsType[plain](err); ok {
		return known.Plain()
	}
	if address, ok := errors.AsType[*net.AddrError](err); ok {
		return address.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF.Error()
	}
	return ""
}

// lookupFailure is why a name was not found, in our words: the resolver's own may
// name the address of a name server.
func lookupFailure(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such host"
	case e.IsTimeout:
		return "timed out"
	}
	return "name server failed"
}

// certificateFailure is why a certificate was not trusted; "" if something else failed.
func certificateFailure(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is for another name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate is signed by an unknown authority"
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return "the system's root certificates cannot be read"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch invalid.Reason {
		case x509.Expired:
			return "the certificate has expired or is not yet valid"
		case x509.CANotAuthorizedForThisName:
			return "the certificate's authority may not sign for its name"
		}
		return "the certificate is not valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not valid"
	}
	return ""
}
