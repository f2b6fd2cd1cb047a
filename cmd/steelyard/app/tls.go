// TLS to endpoints.

package app

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/steelyard-proxy/steelyard/configs"
)

// tlsFiles are the contents of the files in an endpoint's TLS settings; nil where none is named.
type tlsFiles struct{ ca, cert, key []byte }

// readTLSFiles reads the files that c names; c may be nil.
func readTLSFiles(c *configs.ClientTLS) (f tlsFiles, err error) {
	if c == nil {
		return f, nil
	}
	if c.CAFile != "" {
		if f.ca, err = os.ReadFile(c.CAFile); err != nil {
			return f, fmt.Errorf("read tls.ca_file: %w", err)
		}
	}
	if c.CertFile != "" {
		if f.cert, err = os.ReadFile(c.CertFile); err != nil {
			return f, fmt.Errorf("read tls.cert_file: %w", err)
		}
		if f.key, err = os.ReadFile(c.KeyFile); err != nil {
			return f, fmt.Errorf("read tls.key_file: %w", err)
		}
	}
	return f, nil
}

// sum is a hash of the contents.
func (f *tlsFiles) sum() [sha256.Size]byte {
	h := sha256.New()
	for _, content := range [][]byte{f.ca, f.cert, f.key} {
		part := sha256.Sum256(content)
		h.Write(part[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// clientTLS is the TLS configuration for an endpoint with an https URL; nil for
// http. f has the contents of c's files.
func clientTLS(u *url.URL, c *configs.ClientTLS, f tlsFiles) (*tls.Config, error) {
	if u.Scheme != "https" {
		return nil, nil
	}
	config := &tls.Config{
		ServerName:         u.Hostname(),
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
	}
	if c == nil {
		return config, nil
	}
	config.InsecureSkipVerify = c.Insecure
	if c.ServerName != "" {
		config.ServerName = c.ServerName
	}
	if f.ca != nil {
		var err error
		if config.RootCAs, err = rootsOf("tls.ca_file", c.CAFile, f.ca); err != nil {
			return nil, err
		}
	}
	if f.cert != nil {
		pair, err := tls.X509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("read tls.cert_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// readRoots reads the certificates to trust from the file that a key names.
func readRoots(key, file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return rootsOf(key, file, text)
}

func rootsOf(key, file string, text []byte) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read %s %s: no certificate in it", key, file)
	}
	return roots, nil
}

// hostField is the Host field for an endpoint; it has the port unless that is the
// scheme's own.
func hostField(u *url.URL) string {
	if u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443" {
		return strings.TrimSuffix(u.Host, ":"+u.Port()) // an IPv6 address keeps its brackets
	}
	return u.Host
}
