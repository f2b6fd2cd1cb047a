// Who we are, as files say now: tokens and certificates are replaced while we run.

package api

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	mostSecret   = 1 << 20          // bytes of a file
	secretKept   = time.Minute      // before it is read again
	headerWait   = 30 * time.Second // for the head of an answer
	mostHeader   = 64 << 10         // bytes of it
	connectWait  = 10 * time.Second // for a connection, and as long again for TLS
	pingAfter    = 30 * time.Second // of silence on a connection of HTTP/2
	pingWait     = 15 * time.Second
	idleConnWait = 90 * time.Second
)

// secrets is what was read of the files.
type secrets struct {
	token         string
	ca, cert, key []byte
}

// read reads what files hold now. It fails where a file cannot be read or holds nothing of use.
func (a *Access) read() (s secrets, err error) {
	s = secrets{a.Token, a.CA, a.Cert, a.Key}
	if a.TokenFile != "" {
		content, err := readBounded(a.TokenFile, mostSecret)
		if err != nil {
			return s, fmt.Errorf("token: %w", err)
		}
		s.token = string(content)
	}
	s.token = strings.TrimSpace(s.token)
	if strings.ContainsAny(s.token, "\r\n \t") {
		return s, errors.New("the token has spaces or several lines in it")
	}
	if a.TokenFile != "" && s.token == "" {
		return s, fmt.Errorf("the token file %s is empty", a.TokenFile)
	}
	for _, file := range []struct {
		name string
		into *[]byte
	}{{a.CAFile, &s.ca}, {a.CertFile, &s.cert}, {a.KeyFile, &s.key}} {
		if file.name == "" {
			continue
		}
		if *file.into, err = readBounded(file.name, mostSecret); err != nil {
			return s, err
		}
	}
	return s, nil
}

// sameTLS says whether connections made with the one are as good with the other.
func (s *secrets) sameTLS(o *secrets) bool {
	return bytes.Equal(s.ca, o.ca) && bytes.Equal(s.cert, o.cert) && bytes.Equal(s.key, o.key)
}

// transport makes the connections of a client.
func (a *Access) transport(s *secrets) (*http.Transport, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: a.ServerName, InsecureSkipVerify: a.Insecure}
	if len(s.ca) > 0 {
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(s.ca) {
			return nil, errors.New("the cluster's certificate authority holds no certificate: it must be PEM")
		}
	}
	if len(s.cert) > 0 || len(s.key) > 0 {
		pair, err := tls.X509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, fmt.Errorf("the client certificate and its key do not belong together: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	proxy := http.ProxyFromEnvironment
	if a.Proxy != "" {
		through, err := url.Parse(a.Proxy)
		if err != nil {
			return nil, errors.New("proxy-url is no URL")
		}
		proxy = http.ProxyURL(through)
	}
	dial := a.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: connectWait, KeepAlive: pingAfter}).DialContext
	}
	return &http.Transport{
		Proxy: proxy, DialContext: dial, TLSClientConfig: t, TLSHandshakeTimeout: connectWait, ForceAttemptHTTP2: true,
		ResponseHeaderTimeout: headerWait, MaxResponseHeaderBytes: mostHeader, IdleConnTimeout: idleConnWait,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWait},
	}, nil
}

// source is what shows who we are, for people.
func (c *Client) source() string {
	switch a := &c.access; {
	case a.TokenFile != "":
		return "the token of " + a.TokenFile
	case a.Token != "":
		return "the token"
	case a.CertFile != "":
		return "the client certificate of " + a.CertFile
	case len(a.Cert) > 0:
		return "the client certificate"
	case a.User != "":
		return "the user's password"
	}
	return "no token and no certificate are given, or what is given"
}
