package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/systemd"
	"github.com/steelyard-proxy/steelyard/configs"
)

func TestSocketsAreAssigned(t *testing.T) {
	cfg := &configs.Config{Listen: []configs.Listen{{Address: ":80"}, {Address: "unix:/s"}, {Address: "127.0.0.1:81"}}, Admin: configs.Admin{Address: "127.0.0.1:9090"}}
	socket := func(fd int, name, address string) systemd.Socket {
		return systemd.Socket{Descriptor: fd, Name: name, Address: address, Listens: true}
	}
	given := func(fd int, address string) app.Given {
		return app.Given{Address: address, Descriptor: fd, Foreign: true}
	}
	for _, c := range []struct {
		name    string
		sockets []systemd.Socket
		want    []app.Given
	}{
		{"none", nil, nil},
		{"by address", []systemd.Socket{socket(3, "x", "unix:/s"), socket(4, "x", "[::]:80")}, []app.Given{given(3, "unix:/s"), given(4, ":80")}},
		{"the admin listener", []systemd.Socket{socket(3, "admin", "10.0.0.1:1"), socket(4, "x", "127.0.0.1:81")}, []app.Given{given(3, "127.0.0.1:9090"), given(4, "127.0.0.1:81")}},
		{"the admin listener by address", []systemd.Socket{socket(3, "x", "127.0.0.1:9090")}, []app.Given{given(3, "127.0.0.1:9090")}},
		{"in order", []systemd.Socket{socket(3, "x", "10.0.0.1:1"), socket(4, "x", "0.0.0.0:80"), socket(5, "x", "10.0.0.1:2")},
			[]app.Given{given(4, ":80"), given(3, "unix:/s"), given(5, "127.0.0.1:81")}},
	} {
		got, err := assign(cfg, c.sockets)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, c.name)
	}
	_, err := assign(cfg, []systemd.Socket{socket(3, "a", "1:1"), socket(4, "b", "1:2"), socket(5, "c", "1:3"), socket(6, "d", "1:4")})
	require.EqualError(t, err, `systemd has passed the socket "d" (1:4), and no address of the configuration is left for it: add one to listen, or take the socket out of the unit`)
	_, err = assign(cfg, []systemd.Socket{{Descriptor: 3, Name: "a"}})
	require.EqualError(t, err, `systemd has passed descriptor 3 ("a"), which is no socket that accepts connections: its unit must say ListenStream= and Accept=no`)
}
