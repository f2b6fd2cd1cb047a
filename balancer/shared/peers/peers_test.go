package peers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
	"github.com/steelyard-proxy/steelyard/balancer/shared/peers"
)

var peerKey = []byte("a key that nobody guesses, ever")

// peering is gateways that tell each other over real sockets.
func peering(t *testing.T, n int, key func(i int) []byte) (all []*peers.Peers, urls []string) {
	t.Helper()
	handlers := make([]http.Handler, n)
	for i := range n {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[i].ServeHTTP(w, r) }))
		t.Cleanup(s.Close)
		urls = append(urls, s.URL)
	}
	for i := range n {
		p := peers.New(peers.Options{Addresses: urls, Key: key(i), Timeout: time.Minute})
		all, handlers[i] = append(all, p), p
	}
	return all, urls
}

func TestPeersTellEachOther(t *testing.T) {
	all, urls := peering(t, 3, func(int) []byte { return peerKey })
	assert.Equal(t, 4, all[0].Count(), "it does not know yet which of them it is")
	say := func(i int, text string) (map[string][]byte, error) {
		return all[i].Exchange(context.Background(), shared.Load, string('a'+rune(i))+"@1", []byte(text))
	}
	texts, err := say(0, "of a")
	require.NoError(t, err)
	assert.Empty(t, texts, "the others have nothing to say yet")
	assert.Equal(t, 3, all[0].Count())
	texts, err = say(1, "of b")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"a@1": []byte("of a")}, texts)
	texts, err = say(0, "of a again")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"b@1": []byte("of b")}, texts)
	r, err := http.Post(urls[0]+peers.Path+"load", "", strings.NewReader("forged"))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
}

// A gateway with another key is not heard, and is told why.
func TestPeersNeedOneKey(t *testing.T) {
	all, _ := peering(t, 2, func(i int) []byte { return append([]byte{byte(i)}, peerKey...) })
	_, err := all[0].Exchange(context.Background(), shared.Load, "a@1", []byte("x"))
	require.Error(t, err)
	_, err = all[1].Exchange(context.Background(), shared.Load, "b@1", []byte("x"))
	require.ErrorContains(t, err, "secret_file")
}

// What was recorded and is sent once more says nothing new.
func TestPeersRefuseReplays(t *testing.T) {
	var recorded *http.Request
	p := peers.New(peers.Options{Addresses: []string{"http://127.0.0.1:1"}, Key: peerKey, Timeout: time.Minute})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if recorded == nil {
			recorded = r.Clone(context.Background())
		}
		p.ServeHTTP(w, r)
	}))
	defer s.Close()
	other := peers.New(peers.Options{Addresses: []string{s.URL}, Key: peerKey, Timeout: time.Minute})
	_, err := other.Exchange(context.Background(), shared.Facts, "b@1", []byte("first"))
	require.NoError(t, err)
	_, err = other.Exchange(context.Background(), shared.Facts, "b@1", []byte("second"))
	require.NoError(t, err)
	again, err := http.NewRequest(http.MethodPost, s.URL+peers.Path+"facts", strings.NewReader("first"))
	require.NoError(t, err)
	again.Header = recorded.Header
	r, err := http.DefaultClient.Do(again)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	texts, _ := p.Exchange(context.Background(), shared.Facts, "a@1", []byte("x"))
	assert.Equal(t, "second", string(texts["b@1"]))
	again, err = http.NewRequest(http.MethodPost, s.URL+peers.Path+"facts", strings.NewReader("forged"))
	require.NoError(t, err)
	again.Header = recorded.Header
	r, err = http.DefaultClient.Do(again)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
}
