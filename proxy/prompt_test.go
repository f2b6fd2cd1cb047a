package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/balancer/prefix"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// reader is a policy that wants to know prompts, and keeps the last one.
type reader struct {
	balancer.Builder
	blocks bool
	mu     sync.Mutex
	last   balancer.Prompt
}

func (r *reader) Name() string { return fmt.Sprintf("reader %p", r) }

func (r *reader) Wants() balancer.Wants { return balancer.Wants{Prompts: true, Blocks: r.blocks} }

func (r *reader) Build(c []balancer.Candidate) balancer.Picker {
	return &readingPicker{r.Builder.Build(c), r}
}

type readingPicker struct {
	balancer.Picker
	reader *reader
}

func (p *readingPicker) Inherit(balancer.Picker) { p.Picker.Inherit(nil) }

func (p *readingPicker) Pick(r *balancer.Request) (int, bool) {
	p.reader.mu.Lock()
	p.reader.last = r.Prompt
	p.reader.last.Blocks = slices.Clone(r.Prompt.Blocks)
	p.reader.mu.Unlock()
	return p.Picker.Pick(r)
}

// reading is a gateway whose policy wants to know prompts, and what it is told of a request.
func reading(t *testing.T, s settings, blocks bool) (tell func(request string) balancer.Prompt) {
	g := serve(t, s, endpoint(t, func(c net.Conn, r *bufio.Reader) {
		for {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			_, _ = io.WriteString(c, plain("ok"))
		}
	}))
	r := &reader{Builder: g.policy, blocks: blocks}
	require.NoError(t, g.pool.Apply(balancer.Options{Policy: r}, g.options))
	c := dial(t, g)
	return func(request string) balancer.Prompt {
		t.Helper()
		c.send(request)
		c.answer()
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.last
	}
}

// words are a text of so many bytes.
func words(n int) string { return strings.Repeat("What is a steelyard? ", n/21+1)[:n] }

// said is a message, as it stands in a body.
func said(text string) string { return `{"role":"user","content":"` + text + `"}` }

func TestPoliciesAreToldOfPrompts(t *testing.T) {
	tell := reading(t, defaults(), false)
	body := `{"model":"m","stream":true,"messages":[` + said(words(5000)) + `]}`
	length := int64(len(said(words(5000))) + 2)
	require.Equal(t, balancer.Prompt{Bytes: length, Streams: true}, tell(post(body)))
	require.Equal(t, balancer.Prompt{Bytes: 3, Unread: true}, tell(post("abc")))
	require.Zero(t, tell(get))
	ollama := func(body string) bool {
		return tell(strings.Replace(post(body), "/v1/chat/completions", "/api/chat", 1)).Streams
	}
	require.True(t, ollama(`{"messages":[]}`), "Ollama streams unless it is told not to")
	require.False(t, ollama(`{"messages":[],"stream":false}`))
}

// What is equal for the model is equal here, and nothing else.
func TestPromptsThatBeginAlike(t *testing.T) {
	tell := reading(t, defaults(), true)
	common := func(a, b string) (blocks int) {
		first, second := tell(post(a)).Blocks, tell(post(b)).Blocks
		for blocks < min(len(first), len(second)) && first[blocks] == second[blocks] {
			blocks++
		}
		return blocks
	}
	chat := func(extra, text string) string { return `{` + extra + `"messages":[` + text + `]}` }
	turn := said(words(3000))
	more := turn + "," + said("And then?")
	picture := func(end string) string {
		return said(`data:image/png;base64,` + strings.Repeat("iVBORw0KGgo+/9j4", 1000) + end)
	}
	for what, c := range map[string]struct {
		a, b   string
		blocks int
	}{
		"the next turn":             {chat(``, turn), chat(``, more), 2},
		"another model":             {chat(`"model":"a",`, turn), chat(`"model":"b",`, more), 0},
		"another adapter":           {chat(`"lora_path":"a",`, turn), chat(`"lora_path":"b",`, more), 0},
		"another salt":              {chat(`"cache_salt":"a",`, turn), chat(`"cache_salt":"b",`, more), 0},
		"other settings":            {chat(`"temperature":1,"user":"a",`, turn), chat(`"max_tokens":9,`, more), 2},
		"tools before and after":    {chat(`"tools":[1],`, turn), `{"messages":[` + turn + `],"tools":[1]}`, 2},
		"other tools":               {chat(`"tools":[1],`, turn), `{"messages":[` + turn + `],"tools":[2]}`, 0},
		"other white space":         {chat(``, turn), `{"messages":[ ` + turn + `]}`, 0},
		"the last of a name":        {chat(``, turn), `{"messages":[` + said(words(9000)) + `],"messages":[` + turn + `]}`, 2},
		"a long system part":        {chat(`"system":"`+words(4096)+`",`, said("Hi")), chat(`"system":"`+words(4096)+`",`, said("Ho")), 4},
		"a picture and a turn":      {chat(``, picture("x")+","+turn), chat(``, picture("x")+","+more), 2},
		"a picture, another at end": {chat(``, picture("x")+","+turn), chat(``, picture("y")+","+more), 0},
		"short ones":                {chat(``, said("Hi")), chat(``, said("Hi")), 0},
		"no JSON":                   {words(5000), words(5000), 0},
		"cut off":                   {chat(``, turn)[:2500], chat(``, turn)[:2500], 0},
	} {
		t.Run(what, func(t *testing.T) {
			require.Equal(t, c.blocks, common(c.a, c.b))
		})
	}
}

// A body that lies in several pieces of memory has the hashes of one in one piece, and a
// conversation that grows long keeps those it had.
func TestLongPromptsAreKnownByTheirBeginning(t *testing.T) {
	tell := reading(t, defaults(), true)
	index := prefix.NewIndex(10_000)
	body := func(n int) string { return post(`{"prompt":"` + words(n) + `"}`) }
	first := tell(body(200 << 10))
	require.Equal(t, 1<<10, first.BlockBytes)
	require.Len(t, first.Blocks, 200)
	index.Touch(first.Blocks)
	require.Equal(t, 20, index.Match(tell(body(20<<10)).Blocks))
	long := tell(body(3 << 20))
	require.Equal(t, 2<<10, long.BlockBytes)
	require.Len(t, long.Blocks, prefix.Most)
	require.Equal(t, 100, index.Match(long.Blocks))
}

// Of a body that is not held there is its length, and what says whose it is.
func TestBodiesThatStreamHaveNoBlocks(t *testing.T) {
	s := defaults()
	s.generation.ReplayBytes = 8 << 10
	s.upstream.Affinity = proxy.NewAffinity("X-Session", "off")
	tell := reading(t, s, true)
	body := `{"prompt":"` + words(20<<10) + `"}`
	p := tell(post(body))
	require.EqualValues(t, len(body), p.Bytes)
	require.Empty(t, p.Blocks)
	named := func(name string) balancer.Prompt {
		return tell(strings.Replace(post(body), "\r\n", "\r\nX-Session: "+name+"\r\n", 1))
	}
	p = named("a")
	require.Len(t, p.Blocks, 20)
	require.NotZero(t, p.Session)
	require.Equal(t, p, named("a"))
	require.NotEqual(t, p.Blocks[0], named("b").Blocks[0])
}

func TestSessionsAreNamedByHeadOrBody(t *testing.T) {
	s := defaults()
	s.upstream.Affinity = proxy.NewAffinity("X-Session", "user")
	tell := reading(t, s, true)
	session := func(head, body string) uint64 {
		return tell(strings.Replace(post(body), "\r\n", "\r\n"+head, 1)).Session
	}
	require.Zero(t, session("", `{"prompt":"p"}`))
	user := session("", `{"prompt":"p","user":"u"}`)
	require.NotZero(t, user)
	require.Equal(t, user, session("", `{"user":"u"}`))
	require.NotEqual(t, user, session("", `{"user":"v"}`))
	named := session("X-Session: u\r\n", `{"user":"w"}`)
	require.Equal(t, named, session("x-session: u\r\n", ``))
	require.NotEqual(t, user, named)
}

// Anthropic's clients name the user in an object of its own.
func TestSessionsAreNamedInMetadata(t *testing.T) {
	s := defaults()
	s.upstream.Affinity = proxy.NewAffinity("", "metadata.user_id")
	tell := reading(t, s, true)
	session := func(body string) uint64 {
		return tell(strings.Replace(post(body), "/v1/chat/completions", "/v1/messages", 1)).Session
	}
	user := session(`{"messages":[],"metadata":{"user_id":"u"}}`)
	require.NotZero(t, user)
	require.Equal(t, user, session(`{"metadata":{"team":"x","user_id":"u"}}`))
	require.NotEqual(t, user, session(`{"metadata":{"user_id":"v"}}`))
	for _, body := range []string{`{"user_id":"u","user":"u"}`, `{"metadata":{"user":"u"}}`, `{"metadata":"u"}`, `{"metadata":{"user_id":null}}`} {
		require.Zero(t, session(body), body)
	}
}

// What was expected to be in an endpoint's cache is counted, and what its engine says to that.
func TestCachedPromptsAreCounted(t *testing.T) {
	s := defaults()
	const answer = `{"usage":{"prompt_tokens":700,"prompt_tokens_details":{"cached_tokens":640}}}`
	g := serve(t, s, echoing(t, plain(answer)))
	builder, err := policy.Lookup("least_cost")
	require.NoError(t, err)
	require.NoError(t, g.pool.Apply(balancer.Options{Policy: builder}, g.options))
	prompt := `"` + words(3<<10) + `"`
	c := dial(t, g)
	for range 2 {
		c.send(post(`{"prompt":` + prompt + `}`))
		c.answer()
	}
	counted := func(name string, n int) bool {
		return g.count(t, "steelyard_prompt_"+name+"_total", "endpoint", "a") == n
	}
	require.True(t, counted("bytes", 2*len(prompt)))
	require.True(t, counted("expected_cached_bytes", 3<<10))
	eventually(t, "both answers to be counted", func() bool { return counted("tokens", 1400) && counted("cached_tokens", 1280) })
}
