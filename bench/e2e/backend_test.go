package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// serverVariable makes the test binary a simulated server with the options it holds, as JSON.
const serverVariable = "SIMULATED_SERVER"

func runServer(text string) int {
	var o backend.Options
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		var s *backend.Server
		if s, err = backend.New(o); err == nil {
			err = s.Run(context.Background()) // until the process is killed
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// server is a simulated inference server in a process of its own.
type server struct {
	*process
	name, address string
	capacity      float64
}

func (s *server) url() string { return "http://" + s.address }

// startServer starts one on a free address.
func startServer(t *testing.T, name string, capacity float64) *server {
	t.Helper()
	s := &server{name: name, address: freeAddress(t), capacity: capacity}
	s.run(t)
	return s
}

// run starts the process, for the first time or again.
func (s *server) run(t *testing.T) {
	t.Helper()
	options, err := json.Marshal(backend.Options{Name: s.name, Address: s.address, Engine: engine.Options{Capacity: s.capacity}})
	require.NoError(t, err)
	s.process = start(t, []string{serverVariable + "=" + string(options)}, os.Args[0])
	eventually(t, s.name+" is well", func() bool { return status(s.url()+"/health") == 200 })
}

// fault makes the server ill, or well again with backend.None.
func (s *server) fault(t *testing.T, kind backend.Fault) {
	t.Helper()
	require.Equal(t, 200, post(t, s.url()+"/fault?kind="+string(kind)))
}

// threeServers are of unequal capacity.
func threeServers(t *testing.T) []*server {
	t.Helper()
	return []*server{startServer(t, "small", 100), startServer(t, "large", 200), startServer(t, "medium", 150)}
}
