package discovery

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Everything that is wrong is told with its place and the remedy, and the rest is taken.
func TestCheck(t *testing.T) {
	good := Endpoint{URL: "HTTP://Gpu-1.Example:8000/"}
	for name, test := range map[string]struct {
		bad  Endpoint
		want string
	}{
		"no url":          {Endpoint{Name: "a"}, `endpoints[1] ("a"): it has no url: write http://host:port`},
		"scheme":          {Endpoint{URL: "ftp://h:1"}, "does not begin with http://"},
		"password":        {Endpoint{URL: "http://u:secret@h:1"}, "has a user or password in it: remove it"},
		"path":            {Endpoint{URL: "http://h:1/v1"}, "more than a host and a port"},
		"query":           {Endpoint{URL: "http://h:1?x"}, "more than a host and a port"},
		"port 0":          {Endpoint{URL: "http://h:0"}, "bad port: give a number from 1 to 65535"},
		"port too large":  {Endpoint{URL: "http://h:65536"}, "bad port"},
		"port a word":     {Endpoint{URL: "http://h:x"}, "the url is none"},
		"no port":         {Endpoint{URL: "http://h:"}, "bad port"},
		"no host":         {Endpoint{URL: "http://:80"}, "no host"},
		"metadata":        {Endpoint{URL: "http://169.254.169.254:80"}, `the address "169.254.169.254" is link-local`},
		"mapped metadata": {Endpoint{URL: "http://[::ffff:169.254.169.254]:80"}, "is link-local"},
		"as a number":     {Endpoint{URL: "http://2852039166:80"}, "the url has the host"},
		"in hex":          {Endpoint{URL: "http://0xa9fea9fe:80"}, "the url has the host"},
		"short":           {Endpoint{URL: "http://169.16689662:80"}, "the url has the host"},
		"link-local 6":    {Endpoint{URL: "http://[fe80::1]:80"}, "is link-local"},
		"zone":            {Endpoint{URL: "http://[fe80::1%25eth0]:80"}, "has a zone"},
		"unspecified":     {Endpoint{URL: "http://0.0.0.0:80"}, "is nobody's"},
		"unspecified 6":   {Endpoint{URL: "http://[::]:80"}, "is nobody's"},
		"multicast":       {Endpoint{URL: "http://224.0.0.1:80"}, "is not one server's"},
		"broadcast":       {Endpoint{URL: "http://255.255.255.255:80"}, "is not one server's"},
		"host":            {Endpoint{URL: "http://a..b:80"}, "the url has the host"},
		"slash in name":   {Endpoint{Name: "a/b", URL: "http://h:1"}, `"a/b" is no name: use letters`},
		"name with break": {Endpoint{Name: "a\nb", URL: "http://h:1"}, `endpoints[1]: "a\nb" is no name`},
		"long name":       {Endpoint{Name: strings.Repeat("a", 129), URL: "http://h:1"}, "the name has 129 bytes: shorten it to at most 128"},
		"capacity":        {Endpoint{URL: "http://h:1", Capacity: -3}, "the capacity is -3: give a finite number above 0"},
		"endless":         {Endpoint{URL: "http://h:1", Capacity: math.Inf(1)}, "the capacity is +Inf"},
		"no number":       {Endpoint{URL: "http://h:1", Capacity: math.NaN()}, "the capacity is NaN"},
		"minus nothing":   {Endpoint{URL: "http://h:1", Capacity: math.Copysign(0, -1)}, "the capacity is -0"},
		"slots":           {Endpoint{URL: "http://h:1", Slots: -1}, "slots is -1: give 0 to 1000000"},
		"same name":       {Endpoint{Name: "gpu-1.example:8000", URL: "http://h:1"}, `another endpoint of the list has this name, "http://gpu-1.example:8000": give each a name of its own`},
		"same, other id":  {Endpoint{Name: "gpu-1.example:8000", URL: "http://gpu-1.example:8000", ID: "x"}, "another endpoint of the list has this name"},
	} {
		t.Run(name, func(t *testing.T) {
			got, faults, err := Check([]Endpoint{good, test.bad, {URL: "http://[2001:db8::1]:8000", Capacity: 3, Slots: 8}})
			require.NoError(t, err)
			require.Len(t, faults, 1)
			require.Contains(t, faults[0].Error(), test.want)
			require.NotContains(t, faults[0].Error(), "secret")
			require.NotContains(t, faults[0].Error(), "\n")
			require.Equal(t, []Endpoint{
				{Name: "gpu-1.example:8000", URL: "http://gpu-1.example:8000"},
				{Name: "[2001:db8::1]:8000", URL: "http://[2001:db8::1]:8000", Capacity: 3, Slots: 8},
			}, got)
		})
	}
	got, faults, err := Check([]Endpoint{{URL: "https://h"}, {URL: "https://h:443", Departing: true}, {URL: "http://h"}})
	require.NoError(t, err)
	require.Empty(t, faults, "the same words twice are one endpoint")
	require.Equal(t, []Endpoint{{Name: "h:443", URL: "https://h:443"}, {Name: "h:80", URL: "http://h:80"}}, got)

	_, _, err = Check(make([]Endpoint, Most+1))
	require.ErrorContains(t, err, "the list names 10001 endpoints: at most 10000 are taken")
}
