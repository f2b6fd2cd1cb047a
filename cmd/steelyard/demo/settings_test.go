package demo

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

func TestFlagsAreChecked(t *testing.T) {
	for want, s := range map[string]settings{
		"": {listen: "127.0.0.1:8080", admin: "127.0.0.1:9090"},
		"--listen 8080: give HOST:PORT, for example 127.0.0.1:8080":                 {listen: "8080", admin: "127.0.0.1:9090"},
		"--admin : give HOST:PORT, for example 127.0.0.1:9090":                      {listen: "127.0.0.1:8080"},
		"--listen x:http: the port must be a number from 0 to 65535":                {listen: "x:http", admin: "127.0.0.1:9090"},
		"--listen and --admin are both 127.0.0.1:80: give one of them another port": {listen: "127.0.0.1:80", admin: "127.0.0.1:80"},
	} {
		if err := s.check(); want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
	}
	require.NoError(t, settings{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}.check(), "two free ports are two ports")
}

func TestLoadStaysOnLoopback(t *testing.T) {
	for bound, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80",
		"0.0.0.0:80":   "http://127.0.0.1:80",
		"[::]:80":      "http://[::1]:80",
		"[::1]:80":     "http://[::1]:80",
	} {
		address, err := net.ResolveTCPAddr("tcp", bound)
		require.NoError(t, err)
		got, err := loadTarget(address)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := loadTarget(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80})
	require.EqualError(t, err, "the load is sent to loopback only and --listen is 192.0.2.1:80: listen on a loopback address, or run with --no-load")
}

func TestConfigurationIsWhatAUserWouldWrite(t *testing.T) {
	servers := startedFleet(t)
	cfg, err := configs.Parse("demo", []byte(servers.configuration(settings{listen: "127.0.0.1:0", admin: "[::1]:0"})), nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:0", cfg.Listen[0].Address)
	require.Equal(t, "[::1]:0", cfg.Admin.Address)
	require.Len(t, cfg.Upstreams, 1)
	for i, want := range []configs.Endpoint{{Name: "small", Capacity: configs.Capacity{Value: 100}}, {Name: "large", Capacity: configs.Capacity{Value: 200}}, {Name: "medium", Capacity: configs.Capacity{Value: 150}}} {
		want.URL, want.PrefixCache.Auto = servers[i].URL(), true
		require.Equal(t, want, cfg.Upstreams[0].Endpoints[i])
	}
}
