package kubernetes

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// viewOf reads slices as the API server writes them.
func viewOf(t *testing.T, texts ...string) *view {
	t.Helper()
	v := &view{slices: map[string]*slice{}}
	v.read(t, texts...)
	return v
}

func (v *view) read(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		s := &slice{}
		require.NoError(t, json.Unmarshal([]byte(text), s), text)
		if s.Metadata.Name == "" {
			s.Metadata.Name = fmt.Sprintf("s%d", len(v.slices))
		}
		v.slices[s.Metadata.Name] = s
	}
}

// show is the list as short lines.
func (v *view) show(o Options) string {
	list, _ := v.endpoints(&o)
	var lines []string
	for _, e := range list {
		line := strings.TrimSpace(e.Name + " " + e.URL)
		if e.Capacity != 0 || e.Slots != 0 {
			line += fmt.Sprintf(" %v/%d", e.Capacity, e.Slots)
		}
		if e.Departing {
			line += " departing"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

const ports = `"ports":[{"name":"http","port":8000,"protocol":"TCP"}]`

// member is one endpoint of a slice.
func member(address, pod, conditions string) string {
	return fmt.Sprintf(`{"addresses":[%q],"conditions":{%s},"targetRef":{"kind":"Pod","name":%q,"uid":%q}}`, address, conditions, pod, "uid-"+pod)
}

func v4(members ...string) string {
	return `{"addressType":"IPv4",` + ports + `,"endpoints":[` + strings.Join(members, ",") + `]}`
}

func TestConditions(t *testing.T) {
	const was = ``
	for _, c := range []struct{ name, conditions, want string }{
		{"nothing said is ready", ``, "a http://10.0.0.1:8000"},
		{"ready", `"ready":true,"serving":true,"terminating":false`, "a http://10.0.0.1:8000"},
		{"null is ready", `"ready":null`, "a http://10.0.0.1:8000"},
		{"it starts", `"ready":false,"serving":false`, was},
		{"it ends", `"ready":false,"serving":true,"terminating":true`, "a http://10.0.0.1:8000"}, // the only one that serves
		{"it ends and serves no more", `"ready":false,"serving":false,"terminating":true`, "a http://10.0.0.1:8000 departing"},
		{"ready and yet ending, as publishNotReadyAddresses has it", `"ready":true,"terminating":true`, "a http://10.0.0.1:8000"},
	} {
		assert.Equal(t, c.want, viewOf(t, v4(member("10.0.0.1", "a", c.conditions))).show(Options{}), c.name)
	}
}

func TestThoseThatEndAreUsedOnlyWhereNoneIsReady(t *testing.T) {
	ends := member("10.0.0.1", "a", `"ready":false,"serving":true,"terminating":true`)
	v := viewOf(t, v4(ends, member("10.0.0.2", "b", `"ready":true`), member("10.0.0.3", "c", `"ready":false,"serving":false,"terminating":true`)))
	assert.Equal(t, "a http://10.0.0.1:8000 departing; b http://10.0.0.2:8000; c http://10.0.0.3:8000 departing", v.show(Options{}))
	v = viewOf(t, v4(ends, member("10.0.0.2", "b", `"ready":false`)))
	assert.Equal(t, "a http://10.0.0.1:8000", v.show(Options{}), "b never was ready")
}

func TestWhoLosesReadinessDeparts(t *testing.T) {
	v := viewOf(t, v4(member("10.0.0.1", "a", `"ready":true`), member("10.0.0.2", "b", `"ready":true`)))
	v.show(Options{})
	delete(v.slices, "s0")
	v.read(t, v4(member("10.0.0.1", "a", `"ready":false`), member("10.0.0.2", "b", `"ready":true`)))
	assert.Equal(t, "a http://10.0.0.1:8000 departing; b http://10.0.0.2:8000", v.show(Options{}))
}

func TestSlicesAreAUnionByPod(t *testing.T) {
	v := viewOf(t,
		v4(member("10.0.0.1", "a", `"ready":true`), member("10.0.0.2", "b", `"ready":true`)),
		v4(member("10.0.0.2", "b", `"ready":false,"serving":true,"terminating":true`), member("10.0.0.3", "c", ``)),
		`{"addressType":"IPv6",`+ports+`,"endpoints":[`+member("fd00::1", "a", ``)+`,`+member("fd00::9", "d", ``)+`]}`,
		`{"addressType":"IPv4","endpoints":null}`, `{"addressType":"IPv4","endpoints":[],"ports":null}`,
	)
	assert.Equal(t, "a http://10.0.0.1:8000; b http://10.0.0.2:8000 departing; c http://10.0.0.3:8000; d http://[fd00::9]:8000", v.show(Options{}))
}

func TestAnAddressThatAnotherPodHasIsAnotherEndpoint(t *testing.T) {
	v := viewOf(t, v4(member("10.0.0.1", "old", `"ready":false,"serving":true,"terminating":true`)), v4(member("10.0.0.1", "new", `"ready":true`)))
	list, _ := v.endpoints(&Options{})
	require.Len(t, list, 1, "two pods have one address for a moment: the one that is ready listens there")
	assert.Equal(t, "uid-new", list[0].ID)
}

func TestEndpointsWithoutAPodAreKnownByTheirAddress(t *testing.T) {
	v := viewOf(t, `{"addressType":"IPv4",`+ports+`,"endpoints":[{"addresses":["10.0.0.7","10.0.0.8"]}]}`)
	list, _ := v.endpoints(&Options{Scheme: "https"})
	require.Len(t, list, 1)
	assert.Equal(t, "https://10.0.0.7:8000", list[0].URL)
	assert.Empty(t, list[0].Name+list[0].ID)
}

func TestAddressesThatAreRefused(t *testing.T) {
	for address, why := range map[string]string{
		"169.254.169.254": "link-local", "::ffff:169.254.169.254": "link-local", "fe80::1": "link-local", "fd00:ec2::254": "metadata",
		"100.100.100.200": "metadata", "0.0.0.0": "nobody's", "::": "nobody's", "224.0.0.1": "not one server's", "255.255.255.255": "not one server's",
		"ff02::1": "not one server's", "127.0.0.1": "allow_loopback", "::1": "allow_loopback", "fe80::1%eth0": "a zone", "gpu.example.com": "is no address", "": "is no address",
	} {
		family := "IPv4"
		if strings.Contains(address, ":") {
			family = "IPv6"
		}
		v := viewOf(t, `{"addressType":"`+family+`",`+ports+`,"endpoints":[`+member(address, "a", ``)+`,`+
			member(map[string]string{"IPv4": "10.0.0.2", "IPv6": "fd00::2"}[family], "b", ``)+`]}`)
		list, problems := v.endpoints(&Options{})
		require.Len(t, list, 1, address)
		assert.Equal(t, "b", list[0].Name)
		require.Len(t, problems, 1)
		assert.Contains(t, problems[0], why)
	}
	v := viewOf(t, `{"metadata":{"name":"x"},"addressType":"FQDN",`+ports+`,"endpoints":[{"addresses":["metadata.internal"]}]}`)
	list, problems := v.endpoints(&Options{})
	assert.Empty(t, list)
	assert.Contains(t, problems[0], `addresses of the kind "FQDN"`)
	assert.Equal(t, "a http://127.0.0.1:8000", viewOf(t, v4(member("127.0.0.1", "a", ``))).show(Options{AllowLoopback: true}))
	_, problems = viewOf(t, v4(member("fd00::1", "a", ``))).endpoints(&Options{})
	assert.Contains(t, problems[0], "is not one of IPv4")
}

func TestPorts(t *testing.T) {
	const two = `"ports":[{"name":"http","port":8000},{"name":"metrics","port":9000},{"name":"dns","port":53,"protocol":"UDP"}]`
	for _, c := range []struct{ ports, wanted, url, problem string }{
		{two, "http", "http://10.0.0.1:8000", ""},
		{two, "9000", "http://10.0.0.1:9000", ""},
		{two, "", "", "has several ports (http 8000, metrics 9000): give port"},
		{two, "grpc", "", `has no port "grpc": it has http 8000, metrics 9000`},
		{two, "53", "", `has no port "53"`},
		{`"ports":[{"name":null,"port":8000}]`, "", "http://10.0.0.1:8000", ""},
		{`"ports":[{"port":null}]`, "", "", "has no TCP port"},
		{`"ports":null`, "http", "", "has no TCP port"},
		{`"ports":[{"port":70000}]`, "", "", "has no TCP port"},
	} {
		v := viewOf(t, `{"addressType":"IPv4",`+c.ports+`,"endpoints":[`+member("10.0.0.1", "a", ``)+`]}`)
		list, problems := v.endpoints(&Options{Port: c.wanted})
		if c.problem != "" {
			assert.Empty(t, list)
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0], c.problem)
			continue
		}
		require.Len(t, list, 1, c)
		assert.Equal(t, c.url, list[0].URL)
	}
}

func TestStrength(t *testing.T) {
	v := viewOf(t, `{"metadata":{"annotations":{"steelyard.dev/capacity":"200"},"labels":{"steelyard.dev/slots":"8"}},"addressType":"IPv4",`+ports+
		`,"endpoints":[`+member("10.0.0.1", "a", ``)+`,`+member("10.0.0.2", "b", ``)+`]}`)
	v.pods = map[string]strength{"uid-b": {capacity: 50}}
	v.service = strength{capacity: 1, slots: 1}
	assert.Equal(t, "a http://10.0.0.1:8000 200/8; b http://10.0.0.2:8000 50/8", v.show(Options{}))

	for text, bad := range map[string]bool{"0": true, "-1": true, "NaN": true, "Inf": true, "1e99": true, "many": true, "": true, " 2.5 ": false} {
		m := meta{Name: "p", Annotations: map[string]string{capacityKey: text}}
		_, problem := m.strength()
		assert.Equal(t, bad, problem != "", text)
	}
	for text, bad := range map[string]bool{"0": true, "1.5": true, "99999999": true, "4": false} {
		m := meta{Name: "p", Labels: map[string]string{slotsKey: text}}
		_, problem := m.strength()
		assert.Equal(t, bad, problem != "", text)
	}
}
