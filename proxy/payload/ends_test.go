package payload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// ends looks at the first and last n bytes of a body.
func ends(p *payload.Prompt, body string, n int) (payload.Hints, bool) {
	return p.PeekEnds([]byte(body[:n]), []byte(body[len(body)-n:]), len(body), nil)
}

func TestTheEndsOfALongBodyTellAsMuchAsTheWhole(t *testing.T) {
	long := `"messages":[{"role":"user","content":"` + strings.Repeat(`say \"hello\\\", [{}] and \\`, 300) + `"}]`
	for _, body := range []string{
		`{"model":"m","stream":true,"max_tokens":9,"user":"u",` + long + `}`,
		`{"model":"m",` + long + `,"stream":true,"max_tokens":9,"user":"u"}`,
		`{` + long + `,"model":"m","stream_options":{"include_usage":true},"stop":["\"","}\\"],"stream" : true , "max_tokens": 9,"user":"u"}` + "\r\n ",
		`{` + long + `,"user":"a \"quoted\\\" one\\","user":"u","model":"other","model":"m","stream":true,"max_tokens":9}`,
		`{"model":"other","max_tokens":3,"user":"other",` + long + `,"model":"m","stream":true,"max_tokens":9,"user":"u"}`,
		`{"model":"m","parameters":{"max_new_tokens":9},` + long + `,"stream":true,"metadata":{"user_id":"x"},"user":"u"}`,
	} {
		require.True(t, json.Valid([]byte(body)))
		var whole, part payload.Prompt
		want := whole.Peek([]byte(body), nil)
		want.PromptBytes = len(body)
		for _, n := range []int{200, 1000, 4000} {
			h, ok := ends(&part, body, n)
			require.True(t, ok, body[len(body)-100:])
			assert.Equal(t, want, h)
			for _, tag := range []payload.Tag{payload.User, payload.MetadataUser} {
				assert.Equal(t, string(whole.Tag(tag)), string(part.Tag(tag)))
			}
			part.Pieces(func([]byte, bool) bool { t.Error("the prompt was not looked at"); return false })
		}
	}
}

func TestEndsThatDoNotTell(t *testing.T) {
	long := strings.Repeat(`{"model":"in the prompt"},`, 300)
	longName := strings.Repeat("bob", 2000)
	slashes := strings.Repeat(`\`, 4000)
	for what, body := range map[string]string{
		"no model":                `{"messages":[` + long + `1],"stream":true}`,
		"model between":           `{"messages":[` + long + `1],"model":"m","tools":[` + long + `1]}`,
		"no object":               `[` + long + `{"model":"m"}]`,
		"ended early":             `{"model":"m"}` + long,
		"cut off":                 `{"messages":[` + long + `1],"model":"m`,
		"a string of backslashes": `{"messages":"` + slashes + `","model":"m\`,
		"only white space":        `{"messages":[` + strings.Repeat(" ", 9000),
		"a long name":             `{"model":"m","user":"` + longName + `","messages":[]}`,
		"a fault":                 `{"messages":[` + long + `1],"model":"m","a":}`,
	} {
		var p payload.Prompt
		_, ok := ends(&p, body, 200)
		assert.False(t, ok, what)
	}
}

// FuzzPeekEnds: what the ends of an object say is what the whole of it says, where no long value hides the rest.
func FuzzPeekEnds(f *testing.F) {
	f.Add(`"model":"m","max_tokens":5`, `"stream":true,"user":"x\"\\"`, `a\"]}`)
	f.Add(`"a":1`, `"model":"m\\","options":{"num_predict":[1,"\""]}`, `\\`)
	f.Fuzz(func(t *testing.T, before, after, text string) {
		middle := strings.Repeat(text, 1+600/max(1, len(text)))
		body := `{` + before + `,"prompt":"` + middle + `",` + after + `}`
		n := max(len(before), len(after)) + 20
		var whole, part payload.Prompt
		if !json.Valid([]byte(body)) || len(middle) < 2*n || !json.Valid([]byte(`{"prompt":"`+middle+`"}`)) ||
			!json.Valid([]byte(`{`+before+`}`)) || !json.Valid([]byte(`{`+after+`}`)) {
			_, _ = ends(&part, body, min(n, len(body)))
			return
		}
		want := whole.Peek([]byte(body), nil)
		if want.PromptBytes = len(body); len(want.Model) == 0 {
			return
		}
		h, ok := ends(&part, body, n)
		require.True(t, ok)
		require.Equal(t, want, h)
		require.Equal(t, string(whole.Tag(payload.User)), string(part.Tag(payload.User)))
	})
}
