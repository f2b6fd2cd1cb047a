package configs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesClash(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{":8080", "0.0.0.0:8080", true},
		{":8080", "[::]:8080", true},
		{":8080", "127.0.0.1:8080", true},
		{"0.0.0.0:8080", "[::1]:8080", true}, // Go binds both protocols for 0.0.0.0
		{"localhost:8080", "127.0.0.1:8080", true},
		{"LOCALHOST:8080", "localhost:8080", true},
		{"[::ffff:127.0.0.1]:8080", "127.0.0.1:8080", true},
		{"[0:0::1]:8080", "[::1]:8080", true},
		{"gpu.example:80", "GPU.example:80", true},
		{"127.0.0.1:8080", "127.0.0.2:8080", false},
		{"127.0.0.1:8080", "[::1]:8080", false},
		{":8080", ":8081", false},
		{":0", ":0", false},
		{"unix:/run/a", "unix:/run/./a", true},
		{"unix:/run/a", "unix:/run/b", false},
		{"unix:/run/a", ":0", false},
	} {
		a, wrong := parseAddress(c.a)
		require.Nil(t, wrong, c.a)
		b, wrong := parseAddress(c.b)
		require.Nil(t, wrong, c.b)
		require.Equal(t, c.want, a.clashes(b), "%s and %s", c.a, c.b)
		require.Equal(t, c.want, b.clashes(a), "%s and %s", c.b, c.a)
	}
}

func TestValidHost(t *testing.T) {
	for _, host := range []string{"gpu1", "gpu-1.example.com", "gpu.", "a_b.svc", "127.0.0.1", "::1", "fe80::1%eth0", "1a", "xn--bcher-kva.example"} {
		require.True(t, validHost(host), host)
	}
	for _, host := range []string{
		"", ".", "a..b", ".a", "-a", "a b", "a:80", "127.0.0.256", "1.2.3", "12", "bücher", "a/b", "*.a", "a\x00",
		strings.Repeat("a", 64), strings.Repeat("a.", 127) + "aa",
	} {
		require.False(t, validHost(host), host)
	}
}

func TestPasswordsAreNotRepeated(t *testing.T) {
	for _, url := range []string{
		"http://me:hush@127.0.0.1:9001", "me:hush@127.0.0.1:9001", "http://me:hu/hush@h", "http://me:h%zzhush@h", "ftp://me:hush@h", "//me:hush@h",
	} {
		_, err := Parse("c.yaml", []byte(`upstreams: [{endpoints: [{url: "`+url+`"}]}]`), nil)
		require.ErrorContains(t, err, "upstreams[0].endpoints[0].url", url)
		require.NotContains(t, err.Error(), "hush", url)
	}
}

// TestRemediesOfURLsAreAccepted: what a message proposes must not be the next mistake.
func TestRemediesOfURLsAreAccepted(t *testing.T) {
	for text, want := range map[string]string{
		"http://::1:9001":             `has an IPv6 address without brackets: write "http://[::1]:9001"`,
		"https://2001:db8::7:443":     `has an IPv6 address without brackets: write "https://[2001:db8::7]:443"`,
		"http://fe80::":               `has an IPv6 address without brackets: write "http://[fe80::]"`,
		"::1:9001":                    `has no scheme, is "::1:9001": write "http://[::1]:9001" or https`,
		"gpu1:9001/v1":                `has no scheme, is "gpu1:9001/v1": write "http://gpu1:9001" or https`,
		"//gpu1":                      `has no scheme, is "//gpu1": write "http://gpu1" or https`,
		"http:gpu1:9001":              `has no scheme, is "http:gpu1:9001": write "http://gpu1:9001" or https`,
		"https:/gpu1":                 `has no scheme, is "https:/gpu1": write "http://gpu1" or https`,
		"gpu1:99999":                  `has no scheme, is "gpu1:99999": write http://host:port or https://host:port`,
		"bücher":                      `has no scheme, is "bücher": write http://host:port or https://host:port`,
		"unix:/run/vllm.sock":         `is a unix socket: endpoints are reached over TCP: let the server listen on a port, and write http://host:port`,
		"unix:///run/vllm.sock":       `is a unix socket: `,
		"http://unix:/run/vllm.sock":  `is a unix socket: `,
		"http+unix://%2Frun%2Fv.sock": `is a unix socket: `,
		"unix:./vllm.sock":            `is a unix socket: `,
	} {
		_, wrong := parseURL(text)
		require.NotNil(t, wrong, text)
		require.Contains(t, wrong.what+": "+wrong.remedy, want, text)
	}
}
