package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/configs"
)

const advisedConfig = `# two servers
upstreams:
  - name: chat
    policy: capacity
    endpoints:
      - {name: a, url: "http://127.0.0.1:9001", capacity: 1, slots: 2} # the new one
      - {name: b, url: "http://127.0.0.1:9002", capacity: 1, slots: 2}
`

// logRequests is 9 h of them.
const logRequests = 30_000

// servedLog is the log of two servers with two slots each and the same capacity by their configuration. One does half of that.
// Requests go to each in turn; where late is false they wait in front of it, which is not how steelyard does it.
func servedLog(t *testing.T, late bool) (rows []string) {
	t.Helper()
	const second = 0.5
	capacities, limit := []float64{1, second}, 2
	if !late {
		limit = 0
	}
	made, err := trace.New(trace.Options{Seed: 1, Requests: logRequests, Rate: 0.95})
	require.NoError(t, err)
	o := sim.Options{Queue: balancer.QueueOptions{MaxRequests: 1000, MaxWait: time.Hour}}
	o.Policy, err = policy.Lookup("capacity")
	require.NoError(t, err)
	for i, c := range capacities {
		o.Endpoints = append(o.Endpoints, sim.Endpoint{Name: string(rune('a' + i)), Told: 1, Limit: limit, Engine: engine.Options{Capacity: c, Slots: 2}})
	}
	served, err := sim.Run(o, made)
	require.NoError(t, err)
	start := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	for i, q := range made.Requests {
		wait, service := served.Wait[i].Seconds(), (served.Response[i] - served.Wait[i]).Seconds()
		rows = append(rows, fmt.Sprintf("%s,chat,%c,,100,0,false,200,answered,%.6f,%.6f,%.6f,1,2,0\n",
			start.Add(q.At).Format(time.RFC3339Nano), 'a'+served.Served[i], wait, service, service))
	}
	return rows
}

func writeLog(t *testing.T, rows ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "requests.csv")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(adviseHeader, ",")+"\n"+strings.Join(rows, "")), 0o600))
	return file
}

var adviseHeader = []string{"time", "upstream", "endpoint", "model", "prompt_bytes", "max_tokens", "stream", "status", "class", "queue_s", "first_byte_s", "service_s", "capacity", "slots", "work"}

func advise(t *testing.T, args ...string) (out, notes string, err error) {
	t.Helper()
	c := adviseCommand()
	var o, n bytes.Buffer
	c.SetOut(&o)
	c.SetErr(&n)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(args)
	err = c.Execute()
	return o.String(), n.String(), err
}

// TestAdviseFindsASlowServer goes all the way: what is advised, its diff, and the changed file, after which nothing is advised.
func TestAdviseFindsASlowServer(t *testing.T) {
	config := filepath.Join(t.TempDir(), "gateway.yaml")
	require.NoError(t, os.WriteFile(config, []byte(advisedConfig), 0o640))
	rows := append(servedLog(t, true),
		"2026-01-05T08:00:00Z,chat,a,,x,0,false,200,answered,0,1,1,1,2,0\n",
		"2026-01-05T08:00:00Z,chat,a\n",
		"yesterday,chat,a,,100,0,false,200,answered,0,1,1,1,2,0\n",
		"2026-01-05T08:00:00Z,chat,a,,100,0,false,200,answered,-1,1,1,1,2,0\n",
		"2026-01-05T08:00:00Z,other,a,,100,0,false,200,answered,0,1,1,1,2,0\n")
	log := writeLog(t, rows...)
	out, notes, err := advise(t, "--config", config, "--data", log)
	require.NoError(t, err)
	t.Log(out, notes)
	assert.Contains(t, notes, fmt.Sprintf("%d rows, %d good; left out: ", logRequests+5, logRequests+1))
	assert.Contains(t, notes, `1 rows are of upstream "other", which the configuration does not have.`)
	assert.Contains(t, notes, "requests.csv:30002:1")
	assert.Contains(t, out, "capacity       CHANGE")
	assert.Contains(t, out, "b has capacity 1 and does the work of 0.5")
	assert.Contains(t, out, "retry_storm    no data")

	text, _, err := advise(t, "--config", config, "--data", log, "--json")
	require.NoError(t, err)
	var told struct {
		Advice []struct {
			ID, Kind, Endpoint, Status, Diff string
			Effect                           struct {
				Ratio float64 `json:"r_ratio"`
				By    string
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &told))
	one := told.Advice[0]
	assert.Equal(t, []string{"capacity", "b", "advised", "replay"}, []string{one.Kind, one.Endpoint, one.Status, one.Effect.By})
	assert.Less(t, one.Effect.Ratio, 0.99)

	diff, _, err := advise(t, "--config", config, "--data", log, "--apply", one.ID)
	require.NoError(t, err)
	assert.Equal(t, one.Diff, diff)
	assert.Contains(t, diff, "-      - {name: b, url: \"http://127.0.0.1:9002\", capacity: 1, slots: 2}\n+      - {name: b, url: \"http://127.0.0.1:9002\", capacity: 0.51, slots: 2}\n")
	same, err := os.ReadFile(config)
	require.NoError(t, err)
	assert.Equal(t, advisedConfig, string(same), "nothing is changed by looking")
	_, _, err = advise(t, "--config", config, "--data", log, "--apply", one.ID, "--yes")
	require.NoError(t, err)
	mode, err := os.Stat(config)
	require.NoError(t, err)
	assert.EqualValues(t, 0o640, mode.Mode().Perm(), "whoever could read it still can")
	cfg, err := configs.Load(config, nil)
	require.NoError(t, err)
	assert.Equal(t, 0.51, cfg.Upstreams[0].Endpoints[1].Capacity.Value)
	out, _, err = advise(t, "--config", config, "--data", log)
	require.NoError(t, err)
	assert.NotContains(t, out, "capacity       CHANGE")
}

// TestAdviseChangesNothingThatItIsNotSureOf: the log is of something that balances otherwise, with requests that wait in the servers.
func TestAdviseChangesNothingThatItIsNotSureOf(t *testing.T) {
	config := filepath.Join(t.TempDir(), "gateway.yaml")
	require.NoError(t, os.WriteFile(config, []byte(advisedConfig), 0o600))
	out, _, err := advise(t, "--config", config, "--data", writeLog(t, servedLog(t, false)...))
	require.NoError(t, err)
	assert.Contains(t, out, "capacity       no data  b has capacity 1 and seems to do the work of ")
	assert.NotContains(t, out, "CHANGE")
}

func TestAdviseRefuses(t *testing.T) {
	folder := t.TempDir()
	config := filepath.Join(folder, "gateway.yaml")
	require.NoError(t, os.WriteFile(config, []byte(advisedConfig), 0o600))
	empty := filepath.Join(folder, "empty.csv")
	require.NoError(t, os.WriteFile(empty, []byte(strings.Join(adviseHeader, ",")+"\nx\n"), 0o600))
	short := filepath.Join(folder, "short.csv")
	require.NoError(t, os.WriteFile(short, []byte("time,upstream\n"), 0o600))
	for args, says := range map[string]string{
		"":                    "no configuration",
		"--config " + config:  "no rows to go by",
		"--data x":            "no configuration",
		"--config x --data y": "x: cannot be read",
		"--config " + config + " --data " + folder:                                                   "it is a folder",
		"--config " + config + " --data " + empty:                                                    "no row can be used: 1 with not a row of the log",
		"--config " + config + " --data " + short:                                                    `column "endpoint" is missing`,
		"--config " + config + " --data x --json --apply y":                                          "give one of them",
		"--config " + config + " --data x --yes":                                                     "--apply ID",
		"--config " + config + " --data " + empty + " stray.csv":                                     "is not a flag",
		"--config " + config + " --data " + writeLog(t, servedLog(t, true)[:100]...) + " --apply zz": "there is no such advice",
	} {
		_, _, err := advise(t, strings.Fields(args)...)
		require.Error(t, err, args)
		assert.ErrorContains(t, err, says, args)
	}
}
