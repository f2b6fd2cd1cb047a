package discovery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	a, b := Endpoint{Name: "a", URL: "http://10.0.0.1:8000", Capacity: 12.5, Slots: 8, ID: "x", Departing: true}, Endpoint{URL: "http://10.0.0.2:8000"}
	for name, test := range map[string]struct {
		text string
		want List
	}{
		"JSON":         {`[{"name":"a","url":"http://10.0.0.1:8000","capacity":12.5,"slots":8,"id":"x","departing":true},"10.0.0.2"]`, List{Endpoints: []Endpoint{a, b}}},
		"tabs":         {"[\n\t{\n\t\t\"url\":\t\"10.0.0.2\"\n\t}\n]\n", List{Endpoints: []Endpoint{b}}},
		"YAML":         {"# those of today\n- {name: a, url: 'http://10.0.0.1:8000', capacity: 12.5, slots: 8, id: x, departing: true}\n- http://10.0.0.2:8000\n", List{Endpoints: []Endpoint{a, b}}},
		"an object":    {`{"endpoints":["10.0.0.2:8000"],"sure":true,"version":"7"}`, List{Endpoints: []Endpoint{b}, Sure: true, Version: "7"}},
		"nobody":       {`[]`, List{}},
		"Prometheus":   {`[{"targets":["10.0.0.1","10.0.0.2:9"],"labels":{"__scheme__":"https","endpoint_capacity":"3","endpoint_slots":"4","team":"x"}}]`, List{Endpoints: []Endpoint{{URL: "https://10.0.0.1:8000", Capacity: 3, Slots: 4}, {URL: "https://10.0.0.2:9", Capacity: 3, Slots: 4}}}},
		"IPv6":         {`["::1", "[::1]:9", "[::1]"]`, List{Endpoints: []Endpoint{{URL: "http://[::1]:8000"}, {URL: "http://[::1]:9"}, {URL: "http://[::1]:8000"}}}},
		"as we print":  {string(Print([]Endpoint{a})), List{Endpoints: []Endpoint{a}}},
		"empty target": {`[{"targets":[]}]`, List{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(test.text), Shape{Port: 8000})
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestParseSaysWhatIsWrongAndWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "it is empty: write it whole",
		" \n":                    "it is empty",
		`{}`:                     "there is no list: write",
		`[{"url":"http://h:1"`:   "line ",
		`{"endpoints":{}}`:       "line 1: must be a list of endpoints",
		`- {name: a, url: b: c}`: "look for a missing quote",
		"[]\n---\n[]":            "keep one document",
		"[\n{\"url\":\"http://h:1\",\"weight\":3}]":                `line 2: the key "weight" is not known: it is capacity, departing, id, name, slots, tier or url`,
		`[{"url":"http://h:1","url":"http://h:2"}]`:                `line 1: the key "url" stands there twice`,
		"- url: http://h:1\n  capacity: much":                      `line 2: must be a number, is "much"`,
		"- url: http://h:1\n  slots: 1.5":                          `line 2: must be a whole number, is "1.5"`,
		"- url: http://h:1\n  name: 7":                             `line 2: must be text in quotes, is "7"`,
		"- url: http://h:1\n  departing: maybe":                    `line 2: must be true or false`,
		"- [a]":                                                    "line 1: must have keys, such as url",
		"a: &x [1]\nendpoints: *x":                                 `the key "a" is not known`,
		"- &x {url: 'http://h:1'}\n- *x":                           "line 2: must have keys",
		`[{"targets":["h:1"],"labels":{"endpoint_capacity":"x"}}]`: "the label endpoint_capacity must be a number",
		`[{"targets":"h:1"}]`:                                      "line 1: must be a list of host:port",
		"just words":                                               "there is no list: write",
		"<html><body>502</body></html>":                            "there is no list: write",
	} {
		_, err := Parse([]byte(text), Shape{})
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := Parse([]byte(strings.Repeat(" ", MostBytes+1)), Shape{})
	require.ErrorContains(t, err, "longer than")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"targets":["h:1"],"labels":{"a":"b"}}, {"url": "http://h:1"}, "x"]`))
	f.Add([]byte("endpoints:\n- url: http://h:1\nsure: true"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Parse(data, Shape{Port: 80})
		if err != nil {
			return
		}
		good, _, err := Check(l.Endpoints)
		if err != nil || len(good) == 0 {
			return
		}
		again, err := Parse(Print(good), Shape{})
		require.NoError(t, err)
		got, faults, err := Check(again.Endpoints)
		require.NoError(t, err)
		require.Empty(t, faults)
		require.Equal(t, good, got)
	})
}
