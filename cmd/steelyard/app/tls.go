package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/steelyard-proxy/steelyard/configs"
)

// clientTLS is how an endpoint with an https URL is spoken to; nil for http.
func clientTLS(u *url.URL, c *configs.ClientTLS) (*tls.Config, error) {
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
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("read tls.ca_file " + c.CAFile + ": no certificate in it")
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read tls.cert_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// hostField is what stands in Host for an endpoint: its port only where it is
// not the scheme's own.
func hostField(u *url.URL) string {
	if u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443" {
		return u.Hostname()
	}
	return u.Host
}
