package payload_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// pieces are what the model of a body reads, in its order; pictures in angle brackets.
func pieces(body string) (all []string) {
	var p payload.Prompt
	p.Peek([]byte(body), nil)
	p.Pieces(func(piece []byte, picture bool) bool {
		text := string(piece)
		if picture {
			text = "<" + text + ">"
		}
		all = append(all, text)
		return true
	})
	return all
}

func TestPromptIsReadInTheModelsOrder(t *testing.T) {
	picture := strings.Repeat("iVBORw0KGgo+/9j4", 20)
	for body, want := range map[string][]string{
		`{"messages":[1],"tools":[2],"model":"m"}`:                        {"a", "[2]", "d", "[1]"},
		`{"model":"m","tools":[2],"messages":[1]}`:                        {"a", "[2]", "d", "[1]"},
		`{ "messages" : [ 1 ] , "system" : "s" }`:                         {"b", `"s"`, "d", "[ 1 ]"},
		`{"input":"i","instructions":"n"}`:                                {"c", `"n"`, "f", `"i"`},
		`{"messages":[1],"messages":[2]}`:                                 {"d", "[2]"},
		`{"messages":[1],"messages":null}`:                                nil,
		`{"messages":[1],"tools":null}`:                                   {"d", "[1]"},
		`{"mess\u0061ges":[1]}`:                                           {"d", "[1]"},
		`{"prompt":"p\\","suffix":"\""}`:                                  {"e", `"p\\"`, "j", `"\""`},
		`{"inputs":"p"}`:                                                  {"g", `"p"`},
		`{"model":"m"}`:                                                   nil,
		`{"messages":[1]`:                                                 nil,
		`{"messages":[1]}x`:                                               nil,
		`[{"messages":[1]}]`:                                              nil,
		`{"metadata":{"messages":[1]},"prompt":2}`:                        {"e", "2"},
		`{"messages":[{"url":"` + picture + `"},1]}`:                      {"d", `[{"url":"`, "<" + picture + ">", `"},1]`},
		`{"prompt":"` + picture + `"}`:                                    {"e", `"`, "<" + picture + ">", `"`},
		`{"prompt":"` + picture + `","prompt":"p","x":"` + picture + `"}`: {"e", `"p"`},
		`{"messages":["` + picture + `","` + picture + `"],"system":"s"}`: {"b", `"s"`, "d", `["`, "<" + picture + ">", `","`, "<" + picture + ">", `"]`},
	} {
		require.Equal(t, want, pieces(body), body)
	}
}

// More pictures than are told from text are text, and none is lost.
func TestPicturesWithoutEnd(t *testing.T) {
	picture := strings.Repeat("iVBORw0KGgo+/9j4", 16)
	prompt := `["` + strings.Repeat(picture+`","`, 1000) + `"]`
	all := pieces(`{"messages":` + prompt + `}`)
	require.Len(t, all, 1+2*256+1)
	require.Equal(t, "d"+prompt, strings.NewReplacer("<", "", ">", "").Replace(strings.Join(all, "")))
}

func TestTags(t *testing.T) {
	var p payload.Prompt
	apart := func() (all []string) {
		p.Apart(func(text []byte) bool {
			all = append(all, string(text))
			return true
		})
		return all
	}
	p.Peek([]byte(`{"user":"u","session_id":"s\"","prompt_cache_key":"k","lora_path":"l","cache_salt":"c","parameters":{"adapter_id":"a"},`+
		`"extra_key":"e","reasoning_effort":"high"}`), nil)
	require.Equal(t, []string{"l", "a", "c", "e", "high"}, apart())
	require.Equal(t, `s\"`, string(p.Tag(payload.SessionID)))
	require.Equal(t, "u", string(p.Tag(payload.User)))
	require.Equal(t, "k", string(p.Tag(payload.PromptCacheKey)))
	p.Peek([]byte(`{"metadata":{"user":"x","session_id":"y","n":7,"user_id":"m"},"user_id":"z"}`), nil)
	require.Equal(t, "m", string(p.Tag(payload.Named("metadata.user_id"))))
	require.Empty(t, p.Tag(payload.SessionID))
	p.Peek([]byte(`{"user":7,"metadata":{"user":"x"},"session_id":{"user":"y"},"cache_salt":"c","cache_salt":[]}`), nil)
	require.Equal(t, []string{"", "", "", "", ""}, apart(), "nothing of the body before, and the last of a name")
	require.Empty(t, p.Tag(payload.User))
	require.Empty(t, p.Tag(payload.MetadataUser))
	p.Forget()
	require.Empty(t, p.Tag(payload.User))
}

// FuzzPrompt holds the pieces to encoding/json, and the look that finds them to the one that does not.
func FuzzPrompt(f *testing.F) {
	picture := strings.Repeat("iVBORw0KGgo+/9j4", 16)
	for _, body := range []string{
		chat, `{"messages":[1,"\\"],"tools":{"a":"]"},"messages":"\""} `, `{"prompt":"` + picture + `","input":["` + picture + `"]}`,
		`{"text":"` + strings.Repeat(`\"a\\`, 20) + `","user":"\\\"","suffix":nul}`, `{"inputs":` + strings.Repeat(`[1234,`, 9) + strings.Repeat(`]`, 9) + `}`,
	} {
		f.Add([]byte(body))
	}
	order := []string{"tools", "system", "instructions", "messages", "prompt", "input", "inputs", "text", "text_input", "suffix", "documents"}
	var p payload.Prompt // one for all, as in use
	f.Fuzz(func(t *testing.T, body []byte) {
		body = slices.Clip(body)
		require.Equal(t, payload.Peek(body, nil), p.Peek(body, nil))
		var got []byte
		p.Pieces(func(piece []byte, _ bool) bool {
			got = append(got, piece...)
			return true
		})
		var fields map[string]json.RawMessage
		if json.Unmarshal(body, &fields) != nil || fields == nil {
			return
		}
		var want []byte
		for i, name := range order {
			if value := bytes.Trim(fields[name], " \t\r\n"); len(value) > 0 && value[0] != 'n' {
				want = append(append(want, 'a'+byte(i)), value...)
			}
		}
		require.Equal(t, string(want), string(got))
	})
}
