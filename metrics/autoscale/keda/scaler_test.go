package keda

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The bytes of messages as KEDA's own client sends them, written down by hand.
const (
	refChat = "\x0a\x01o\x12\x01n\x1a\x10\x0a\x08upstream\x12\x04chat"
	refNone = "\x0a\x01o\x12\x01n"
	getChat = "\x0a\x18" + refChat + "\x12\x0esteelyard-chat"
)

// The four calls, by their bytes on the wire.
func TestCalls(t *testing.T) {
	r := newRig(t, nil, nil)
	for name, want := range map[string]string{
		"IsActive":      "\x08\x01",
		"GetMetricSpec": "\x0a\x1b\x0a\x0esteelyard-chat\x10\x01\x19\x00\x00\x00\x00\x00\x00\xf0\x3f",
	} {
		answers, status, says := r.call(name, []byte(refChat))
		require.Equal(t, "0", status, says)
		require.Equal(t, [][]byte{[]byte(want)}, answers, name)
	}
	answers, status, says := r.call("GetMetrics", []byte(getChat))
	require.Equal(t, "0", status, says)
	require.Equal(t, [][]byte{[]byte("\x0a\x1b\x0a\x0esteelyard-chat\x10\x03\x19\x00\x00\x00\x00\x00\x00\x02\x40")}, answers, "2.25, and 3 for who reads whole numbers only")

	r.set("chat", Figure{Target: 1, Known: true})
	answers, _, _ = r.call("IsActive", []byte(refChat))
	require.Equal(t, [][]byte{{}}, answers, "false is left out, as proto3 has it")
	answers, _, _ = r.call("GetMetrics", []byte(getChat))
	require.Equal(t, [][]byte{[]byte("\x0a\x10\x0a\x0esteelyard-chat")}, answers, "nothing to be done is known, and 0")
}

// What is not known is Unavailable and what is not there is NotFound; neither is ever 0.
func TestNothingIsTakenForZero(t *testing.T) {
	r := newRig(t, nil, nil)
	for why, f := range map[string]Figure{
		"its figures are 40s old":        {Target: 1, Why: "its figures are 40s old"},
		"nothing is known of it":         {Target: 1},
		"its work is no number":          {Target: 1, Known: true, Value: math.NaN()},
		"its work is no number of 0":     {Target: 1, Known: true, Value: -1},
		"its work is no number of 0 or ": {Target: 1, Known: true, Value: math.Inf(1)},
	} {
		r.set("chat", f)
		for name, message := range map[string]string{"IsActive": refChat, "GetMetrics": getChat} {
			answers, status, says := r.call(name, []byte(message))
			require.Empty(t, answers)
			require.Equal(t, "14", status, "%s: %s", name, says)
			require.Contains(t, says, why)
			require.Contains(t, says, "the number of replicas should stay as it is")
		}
		answers, status, _ := r.call("GetMetricSpec", []byte(refChat))
		require.Equal(t, "0", status, "fallback counts failures of GetMetrics only")
		require.Len(t, answers, 1)
	}
	r.set("chat", Figure{Known: true, Value: 1})
	_, status, says := r.call("GetMetricSpec", []byte(refChat))
	require.Equal(t, "14", status, "never an empty list: %s", says)
	r.drop("chat")
	r.set("other", Figure{Target: 1, Known: true})
	for name, message := range map[string]string{"IsActive": refChat, "StreamIsActive": refChat, "GetMetricSpec": refChat, "GetMetrics": getChat} {
		answers, status, says := r.call(name, []byte(message))
		require.Empty(t, answers)
		require.Equal(t, "5", status, name)
		require.Equal(t, "no upstream chat scales, which the trigger of n/o names in metadata.upstream: there are other", says)
	}
}

func TestBadCalls(t *testing.T) {
	r := newRig(t, nil, nil)
	for name, c := range map[string]struct{ message, status, says string }{
		"IsActive":         {refNone, "3", "metadata.upstream is missing in the trigger of n/o: there are chat"},
		"StreamIsActive":   {"", "3", "metadata.upstream is missing"},
		"GetMetricSpec":    {"\x0a\xff", "3", "cut short"},
		"GetMetrics":       {"\x0a\x18" + refChat + "\x12\x05other", "3", "upstream chat has the metric steelyard-chat, and not other"},
		"StreamMetricSpec": {refChat, "12", "no such call"},
	} {
		_, status, says := r.call(name, []byte(c.message))
		require.Equal(t, c.status, status, "%s: %s", name, says)
		require.Contains(t, says, c.says)
	}
	_, status, _ := r.call("IsActive", make([]byte, mostBytes+1))
	require.Equal(t, "8", status, "what is too long is not read")
	r.drop("chat")
	_, _, says := r.call("IsActive", []byte(refChat))
	require.Contains(t, says, "no upstream of this gateway has scale")
}

// KEDA normalises names before it asks.
func TestMetricNames(t *testing.T) {
	for upstream, want := range map[string]string{"chat": "steelyard-chat", "Llama 3.1/70B": "steelyard-llama-3-1-70b", "ü": "steelyard--"} {
		require.Equal(t, want, metricName(upstream))
	}
}

// A stream tells at once, then what changes, nothing while nothing is known, and ends when its upstream has gone.
func TestStream(t *testing.T) {
	r := newRig(t, nil, nil)
	response := r.begin("StreamIsActive", []byte(refChat))
	defer func() { _ = response.Body.Close() }()
	hears := func(want string) {
		t.Helper()
		m, err := next(response.Body)
		require.NoError(t, err)
		require.Equal(t, want, string(m))
	}
	hears("\x08\x01")
	r.set("chat", Figure{Target: 1, Known: true})
	hears("")
	r.set("chat", Figure{Target: 1})
	r.set("chat", Figure{Target: 1, Known: true, Active: true})
	hears("\x08\x01")
	r.drop("chat")
	_, err := next(response.Body)
	require.Error(t, err)
	require.Equal(t, "5", response.Trailer.Get("Grpc-Status"))
}

// The end of the gateway ends streams, as if nothing were wrong.
func TestStreamEndsWithTheGateway(t *testing.T) {
	r := newRig(t, nil, nil)
	response := r.begin("StreamIsActive", []byte(refChat))
	defer func() { _ = response.Body.Close() }()
	_, err := next(response.Body)
	require.NoError(t, err)
	r.stop()
	_, err = next(response.Body)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, "0", response.Trailer.Get("Grpc-Status"))
}

// With a CA for clients only they are let in.
func TestMutualTLS(t *testing.T) {
	authority, server := newAuthority(t), newAuthority(t)
	own := server.issue(t, "127.0.0.1")
	config := &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: authority.pool, ClientAuth: tls.RequireAndVerifyClientCert}
	r := newRig(t, config, &tls.Config{RootCAs: server.pool, Certificates: []tls.Certificate{authority.issue(t, "keda")}})
	_, status, says := r.call("IsActive", []byte(refChat))
	require.Equal(t, "0", status, says)
	stranger := newRig(t, config, &tls.Config{RootCAs: server.pool})
	_, err := stranger.client.Get("https://" + stranger.address + "/")
	require.Error(t, err)
}

type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	a := &authority{key: key, pool: x509.NewCertPool()}
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
