package fault

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Cause puts a network error into words without addresses: "connection
// refused" rather than "dial tcp 10.1.2.3:9001: connect: connection refused".
// It is what clients may see.
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
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is for another name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.CANotAuthorizedForThisName {
		return "the certificate's authority may not sign for its name"
	}
	if address, ok := errors.AsType[*net.AddrError](err); ok {
		return address.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return fmt.Sprintf("%s: %v", op.Op, op.Err)
	}
	return err.Error()
}

// lookupFailure is why a name was not found. What the resolver says itself may
// hold the address of a name server.
func lookupFailure(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such host"
	case e.IsTimeout:
		return "timed out"
	}
	return "name server failed"
}
