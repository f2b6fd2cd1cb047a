package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

var policies = []string{"capacity", "least_load", "optimal_split", "random", "round_robin", "two_choices"}

func TestEveryScenarioLoadsAndIsCarried(t *testing.T) {
	require.Equal(t, []string{"case-study", "eight-slots", "heavy-tail", "llm", "peers", "replicas", "scale", "slow-node", "step-change", "unequal"}, Names())
	for _, name := range Names() {
		s, err := Load(name, policies)
		require.NoError(t, err)
		require.Equal(t, name, s.Name)
		require.NotEmpty(t, s.About, name)
		require.NoError(t, s.Carried())
	}
}

// TestBad holds each file of testdata/bad to its error, one line.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = Parse(filepath.Base(file), data, policies)
		require.Error(t, err, file)
		golden := strings.TrimSuffix(file, ".yaml") + ".golden"
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644))
		}
		want, readErr := os.ReadFile(golden)
		require.NoError(t, readErr)
		require.Equal(t, string(want), err.Error()+"\n")
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestNamesThatAreNone(t *testing.T) {
	for name, want := range map[string]string{
		"case-studdy":      `no scenario is called "case-studdy": did you mean "case-study"?`,
		"peer":             `did you mean "peers"?`,
		"quite-different":  "known here: case-study, eight-slots, heavy-tail,",
		"./none.yaml":      "read scenario ./none.yaml: there is no such file: give the path of yours, or one of the program: case-study,",
		"/none/peers.yaml": "for the scenario of the program say peers",
	} {
		_, err := Load(name, policies)
		require.ErrorContains(t, err, want)
	}
}

func TestOwnFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`title: mine
endpoints: [{name: a, capacity: 10}, {name: b, capacity: 30, told: 20, slots: 4}]
rate: 20
requests: 400
cases: [{work: trace, trace: day.csv}]
contenders:
  - {policy: least_load}
  - {policy: least_load, queue: fifo}
  - {policy: least_load, queue: fifo, name: told otherwise, told: [1, 2]}
  - {peer: haproxy_maxconn}
`), 0o644))
	s, err := Load(file, policies)
	require.NoError(t, err)
	require.Equal(t, "mine", s.Name)
	require.Equal(t, filepath.Join(filepath.Dir(file), "day.csv"), s.Cases[0].Trace)
	var names []string
	for _, c := range s.Contenders {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"least_load", "least_load + fifo", "told otherwise", "HAProxy maxconn queue"}, names)
	require.Equal(t, 1, s.Seeds)
	require.Equal(t, 0.5, s.Rate/s.Capacity())
	require.Equal(t, 20.0, s.Lasts().Seconds())
	require.Equal(t, []float64{10, 20}, s.Told(s.Contenders[0]))
	require.Equal(t, []float64{1, 2}, s.Told(s.Contenders[2]))
}

// TestNumbersOfAScenarioAreReadOneWay, as those of the configuration are.
func TestNumbersOfAScenarioAreReadOneWay(t *testing.T) {
	const file = "title: mine\nendpoints: [{name: a, capacity: %[1]s}]\nrate: 1\nrequests: 100\ncases: [{work: constant}]\ncontenders: [{policy: least_load}]\n"
	for text, remedy := range map[string]string{
		"0100": "write 100, or in quotes where it is a name", "+010": "write 10, or in quotes where it is a name",
		"1_0": "write 10, or in quotes where it is a name", "0x10": "numbers are decimal",
	} {
		_, err := Parse("mine.yaml", fmt.Appendf(nil, file, text), policies)
		require.EqualError(t, err, "mine.yaml: line 2: not everybody reads "+text+" alike: "+remedy)
	}
	_, err := Parse("mine.yaml", fmt.Appendf(nil, file, "1e2"), policies)
	require.NoError(t, err)
}

func TestLoadsThatCannotBeCarried(t *testing.T) {
	s := func(rate float64, c Contender) *Scenario {
		s := &Scenario{Name: "mine", Rate: rate, Contenders: []Contender{c},
			Endpoints: []Endpoint{{Name: "small", Options: engine.Options{Capacity: 100}}, {Name: "large", Options: engine.Options{Capacity: 200}}}}
		s.withDefaults()
		return s
	}
	var overload *OverloadError
	err := s(300, Contender{Policy: "least_load"}).Carried()
	require.ErrorAs(t, err, &overload)
	require.ErrorContains(t, err, "T = 300 requests/s is all that the endpoints can carry, ΣC = 300")
	require.ErrorContains(t, s(301, Contender{Policy: "least_load"}).Carried(), "T = 301 requests/s is more than the endpoints can carry, ΣC = 300")
	err = s(240, Contender{Policy: "round_robin"}).Carried()
	require.ErrorAs(t, err, &overload)
	require.ErrorContains(t, err, "contender round_robin gives endpoint small 120 requests/s and it carries 100")
	err = s(240, Contender{Policy: "capacity", Told: []float64{2, 1}, Name: "wrong"}).Carried()
	require.ErrorContains(t, err, "contender wrong gives endpoint small 160 requests/s")
	require.NoError(t, s(240, Contender{Policy: "round_robin", Unstable: true}).Carried())
	require.NoError(t, s(240, Contender{Policy: "capacity"}).Carried())
	require.NoError(t, s(299, Contender{Policy: "least_load"}).Carried())
	require.NoError(t, s(299, Contender{Peer: "nginx_least_conn"}).Carried())
}

func TestContendersAreChosen(t *testing.T) {
	names := func(s *Scenario) (list []string) {
		for _, c := range s.Contenders {
			list = append(list, c.Name)
		}
		return list
	}
	s := &Scenario{Contenders: []Contender{{Policy: "capacity"}, {Policy: "least_load"}, {Policy: "least_load", Queue: "fifo"}}}
	s.withDefaults()
	s.AddPeers([]string{"haproxy"})
	s.AddPeers([]string{"nginx"}) // it names peers by now
	s.KeepPolicies([]string{"least_load", "random"})
	require.Equal(t, []string{"HAProxy leastconn", "HAProxy maxconn queue", "least_load", "least_load + fifo", "random"}, names(s))
}
