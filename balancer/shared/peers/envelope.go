// The signature of a page that goes over HTTP.

package peers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

// mostApart is how far the clocks of two gateways may be apart: a page that was recorded is no use for longer.
const mostApart = 5 * time.Minute

// envelope is what a page says besides its text.
type envelope struct {
	kind shared.Kind
	id   string
	sent int64 // when, in nanoseconds
	to   int64 // of an answer: when the question was sent; 0: it is none
}

const (
	idHeader        = "Steelyard-Gateway"
	sentHeader      = "Steelyard-Sent"
	signatureHeader = "Steelyard-Signature"
)

func (e *envelope) signature(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s\n%s\n%d\n%d\n", e.kind, e.id, e.sent, e.to)
	h.Write(text)
	return h.Sum(nil)
}

// seal signs a text.
func (e *envelope) seal(h http.Header, key, text []byte) {
	h.Set(idHeader, e.id)
	h.Set(sentHeader, strconv.FormatInt(e.sent, 10))
	h.Set(signatureHeader, hex.EncodeToString(e.signature(key, text)))
}

// open reads an envelope, and checks its signature. to is when the question was sent that it answers, or 0.
func open(h http.Header, kind shared.Kind, key, text []byte, to int64) (e envelope, err error) {
	e = envelope{kind: kind, id: h.Get(idHeader), to: to}
	if e.sent, err = strconv.ParseInt(h.Get(sentHeader), 10, 64); err != nil {
		return e, errors.New("it is no page of a gateway: its header says no time")
	}
	given, err := hex.DecodeString(h.Get(signatureHeader))
	if err != nil || !hmac.Equal(given, e.signature(key, text)) {
		return e, errors.New("its signature is not of our key: give all gateways the same shared.secret_file")
	}
	return e, nil
}
