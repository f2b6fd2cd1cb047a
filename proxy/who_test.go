package proxy_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// askedBy is what a record says of who asked.
type askedBy struct {
	proxy.Who
	user  string
	usage balancer.Usage
	slots int
}

// askers hands on who asked.
type askers chan askedBy

func (a askers) Record(r *proxy.Record) {
	one := askedBy{Who: *r.Who, user: string(r.Who.User)}
	if r.Attempt != nil {
		one.usage, one.slots = r.Attempt.Usage, r.Attempt.Slots
	}
	a <- one
}

// asking is a gateway that wants to know who asks, before endpoints that answer so.
func asking(t *testing.T, s settings, answer string) func(request string) askedBy {
	t.Helper()
	to := make(askers, 1)
	s.also, s.generation.Usage, s.generation.UserHeader, s.slots = to, true, []byte("x-user"), 7
	g := serve(t, s, answering(t, answer))
	return func(request string) askedBy {
		t.Helper()
		c := dial(t, g)
		c.send(request)
		select {
		case got := <-to:
			return got
		case <-time.After(within):
			t.Fatal("no record")
			return askedBy{}
		}
	}
}

// chatWith is a chat with more members and fields.
func chatWith(members string, fields ...string) string {
	body := `{"model":"llama","messages":[{"role":"user","content":"Hi"}],"max_tokens":12,"stream":true` + members + `}`
	head := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n", len(body))
	for _, f := range fields {
		head += f + "\r\n"
	}
	return head + "\r\n" + body
}

// TestWhoAsks: the first that the request says counts, and what a client may say of itself is not taken for what a trusted proxy says.
func TestWhoAsks(t *testing.T) {
	trusting := defaults()
	trusting.generation.Trust = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	trusted := asking(t, trusting, plain("ok"))
	stranger := asking(t, defaults(), plain("ok"))
	const (
		header = "X-User: alice"
		bearer = "Authorization: Bearer sk-1"
		user   = `,"user":"bob"`
	)
	for _, c := range []struct {
		ask     func(string) askedBy
		request string
		by      proxy.Known
		user    string
	}{
		{trusted, chatWith(user, header, bearer), proxy.KnownByName, "alice"},
		{stranger, chatWith(user, header, bearer), proxy.KnownByKey, "sk-1"},
		{trusted, chatWith(user, header, bearer, "Connection: keep-alive, x-user"), proxy.KnownByName, "alice"},
		{trusted, chatWith(user, bearer), proxy.KnownByKey, "sk-1"},
		{trusted, chatWith(user, "X-User:", "authorization: sk-2"), proxy.KnownByKey, "sk-2"},
		{trusted, chatWith(user, "X-Api-Key: sk-ant"), proxy.KnownByKey, "sk-ant"},
		{trusted, chatWith(user, "api-key: azure"), proxy.KnownByKey, "azure"},
		{trusted, chatWith(user, "Authorization: Bearer EMPTY"), proxy.KnownByName, "bob"},
		{trusted, chatWith(`,"safety_identifier":"carol"`), proxy.KnownByName, "carol"},
		{trusted, chatWith(`,"safety_identifier":"carol"` + user), proxy.KnownByName, "bob"},
		{trusted, chatWith(`,"metadata":{"n":9,"max_tokens":99,"x":[{}],"user_id":"d\u00e9"}`), proxy.KnownByName, "dé"},
		{trusted, chatWith(`,"metadata":"x","user":7`), proxy.KnownByAddress, "127.0.0.1"},
		{trusted, chatWith(`,"user":"` + strings.Repeat("x", 1<<20) + `"`), proxy.KnownByName, strings.Repeat("x", 128)},
		{trusted, chatWith("", "X-Forwarded-For: 198.51.100.7, 10.1.2.3"), proxy.KnownByAddress, "198.51.100.7"},
		{trusted, chatWith("", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 198.51.100.7"), proxy.KnownByAddress, "198.51.100.7"},
		{trusted, chatWith("", "X-Forwarded-For: 10.9.9.9, 10.1.2.3"), proxy.KnownByAddress, "10.9.9.9"},
		{trusted, chatWith("", "X-Forwarded-For: 203.0.113.9, unknown, 10.1.2.3"), proxy.KnownByAddress, "10.1.2.3"},
		{trusted, chatWith("", "X-Forwarded-For: 1.2.3, 1.2.3.4.5"), proxy.KnownByAddress, "127.0.0.1"},
		{trusted, chatWith("", "X-Forwarded-For: 2001:db8:1:2:3:4:5:6"), proxy.KnownByAddress, "2001:db8:1:2::/64"},
		{stranger, chatWith("", "X-Forwarded-For: 198.51.100.7"), proxy.KnownByAddress, "127.0.0.1"},
		{trusted, get, proxy.KnownByAddress, "127.0.0.1"},
	} {
		got := c.ask(c.request)
		what := c.request[:min(len(c.request), 300)]
		require.Equal(t, c.by, got.By, what)
		require.Equal(t, c.user, got.user, what)
		if c.request != get {
			require.Equal(t, "llama", got.Model)
			require.True(t, got.Features.Stream)
			require.Equal(t, 12, got.Features.MaxTokens)
			require.NotZero(t, got.Body)
			require.Equal(t, 7, got.slots)
		}
	}
}

// TestSDKFields: how often the client has tried, and how long it waits.
func TestSDKFields(t *testing.T) {
	ask := asking(t, defaults(), plain("ok"))
	for _, c := range []struct {
		retry, timeout string
		wantRetry      int
		wantTimeout    time.Duration
	}{
		{"2", "600", 2, 600 * time.Second},
		{"0", "30", 0, 30 * time.Second},
		{"-1", "9999999", -1, 0},
		{"x", "1.5", -1, 0},
	} {
		got := ask(chatWith("", "X-Stainless-Retry-Count: "+c.retry, "x-stainless-timeout: "+c.timeout))
		require.Equal(t, c.wantRetry, got.Retry)
		require.Equal(t, c.wantTimeout, got.Timeout)
	}
	require.Equal(t, -1, ask(get).Retry)
}

// TestBodiesThatAreTheSame have one hash, and others another, wherever they differ.
func TestBodiesThatAreTheSame(t *testing.T) {
	ask := asking(t, defaults(), plain("ok"))
	seen := map[uint64]bool{}
	for _, size := range []int{10, 5000, 40_000, 200_000} {
		text := []byte(strings.Repeat("x", size))
		request := func() string { return chatWith(`,"user":"u","x":"` + string(text) + `"`) }
		first := ask(request())
		require.Equal(t, first.Body, ask(request()).Body)
		seen[first.Body] = true
		for _, at := range []int{0, size - 1} {
			text[at] = 'y'
			seen[ask(request()).Body] = true
		}
	}
	require.Len(t, seen, 12)
}

// TestTokensAreRead of what the engine says, whatever the policy.
func TestTokensAreRead(t *testing.T) {
	usage := `"usage":{"prompt_tokens":11,"completion_tokens":22,"prompt_tokens_details":{"cached_tokens":5}}`
	events := "data: {\"choices\":[{}]}\n\ndata: {\"choices\":[]," + usage + "}\n\ndata: [DONE]\n\n"
	for _, answer := range []string{
		plain(`{"choices":[],` + usage + `}`),
		fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", len(events), events),
	} {
		got := asking(t, defaults(), answer)(chatWith(""))
		require.Equal(t, balancer.Usage{PromptTokens: 11, CachedTokens: 5, CompletionTokens: 22}, got.usage)
	}
}

// TestALargeBodyIsKnownByItsEnds, over the borders of blocks; one with a picture, or whose model stands between, is gone through.
func TestALargeBodyIsKnownByItsEnds(t *testing.T) {
	ask := asking(t, defaults(), plain("ok"))
	request := func(body string) string {
		return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	for _, n := range []int{15 << 10, 17 << 10, 32<<10 - 40, 33 << 10, 64 << 10, 65<<10 + 1000} {
		text := strings.Repeat("What is it? ", n/12)
		long := `"messages":[{"role":"user","content":"` + text + `"}]`
		for _, body := range []string{
			`{"model":"llama","user":"bob","max_tokens":12,"stream":true,` + long + `}`,
			`{` + long + `,"model":"llama","user":"bob","stream":true,"max_tokens":12}`,
			`{` + long + `,"model":"llama","max_tokens":12,"stream":true,"tools":[{"text":"` + text + `"}],"user":"bob"}`,
		} {
			got := ask(request(body))
			require.Equal(t, []any{"llama", "bob", 12, true}, []any{got.Model, got.user, got.Features.MaxTokens, got.Features.Stream}, n)
			require.InDelta(t, len(body), got.Features.PromptBytes, 200)
			require.NotZero(t, got.Body)
		}
	}
	picture := `{"model":"llama","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` +
		strings.Repeat("iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB9z8Qq+/", 1000) + `"}}]}],"max_tokens":12}`
	got := ask(request(picture))
	require.Equal(t, "llama", got.Model)
	require.Less(t, got.Features.PromptBytes, 200, "its length says nothing of the prompt")
}
