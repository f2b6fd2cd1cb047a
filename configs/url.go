// URLs of endpoints.

package configs

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const urlRemedy = "write http://host:port or https://host:port"

// endpointURL is all that an endpoint's URL may have.
type endpointURL struct {
	Scheme string // http or https
	Host   string // host:port, lower-case
}

// String prints the one spelling by which an endpoint is known.
func (u endpointURL) String() string { return u.Scheme + "://" + u.Host }

// parseURL reads an endpoint's URL. Messages never repeat what stands before an "@", which may be a password.
func parseURL(text string) (endpointURL, *fault) {
	if isSocket(text) {
		return endpointURL{}, &fault{"is a unix socket", "endpoints are reached over TCP: let the server listen on a port, and write http://host:port"}
	}
	if !strings.Contains(text, "://") {
		return endpointURL{}, noScheme(text)
	}
	scheme, rest, _ := strings.Cut(text, "://")
	if bracketed := withBrackets(rest); bracketed != "" {
		return endpointURL{}, &fault{"has an IPv6 address without brackets", "write " + quote(scheme+"://"+bracketed)}
	}
	parsed, err := url.Parse(text)
	if err != nil {
		if strings.Contains(err.Error(), "invalid port") {
			return endpointURL{}, badPort
		}
		return endpointURL{}, &fault{"is not a URL", urlRemedy}
	}
	if wrong := needless(parsed, text); wrong != nil {
		return endpointURL{}, wrong
	}
	host, port := parsed.Hostname(), parsed.Port()
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return endpointURL{}, &fault{"has no host", urlRemedy}
	case err == nil && ip.Zone() != "":
		return endpointURL{}, &fault{"has an IPv6 zone, which belongs to one machine only", "use a global address or a name"}
	case !validHost(host):
		return endpointURL{}, &fault{"has the host " + quote(host), "use an IP address, or a name in ASCII letters, digits, - and ."}
	case strings.HasSuffix(parsed.Host, ":"):
		return endpointURL{}, badPort
	case port == "":
		port = map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
	}
	number, err := parsePort(port)
	if err != nil || number == 0 {
		return endpointURL{}, badPort
	}
	return endpointURL{parsed.Scheme, net.JoinHostPort(strings.ToLower(host), strconv.Itoa(number))}, nil
}

var badPort = &fault{"has a bad port", "give a number from 1 to 65535, without a leading 0"}

// isSocket recognises the ways in which other programs write a socket's path.
func isSocket(text string) bool {
	text = strings.ToLower(text)
	rest := strings.TrimPrefix(strings.TrimPrefix(text, "http://"), "https://")
	return strings.HasPrefix(text, "http+unix:") || strings.HasPrefix(rest, "unix:/") || strings.HasPrefix(rest, "unix:.")
}

// withBrackets returns an IPv6 address as a URL needs it, with or without a port; "" if the text is not one, or has its
// brackets. If the end may be a port or a part of the address it is taken for a port, as inference servers have one.
func withBrackets(text string) string {
	host := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		if _, err := parsePort(text[i+1:]); err == nil && isIPv6(text[:i]) {
			return "[" + text[:i] + "]" + text[i:]
		}
	}
	if isIPv6(host) {
		return "[" + host + "]"
	}
	return ""
}

func isIPv6(text string) bool {
	ip, err := netip.ParseAddr(text)
	return err == nil && ip.Is6() && ip.Zone() == ""
}

// noScheme guesses what a URL without a scheme meant: http, as inference servers speak, and the rest corrected. It
// proposes only what would be accepted.
func noScheme(text string) *fault {
	host := strings.TrimLeft(text, "/")
	for _, scheme := range []string{"https:", "http:"} {
		host = strings.TrimLeft(strings.TrimPrefix(host, scheme), "/")
	}
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	if bracketed := withBrackets(host); bracketed != "" {
		host = bracketed
	}
	proposal := "http://" + host
	if strings.ContainsAny(text, "@ ") {
		return &fault{"has no scheme", urlRemedy}
	}
	if _, wrong := parseURL(proposal); wrong != nil {
		return &fault{"has no scheme, is " + quote(text), urlRemedy}
	}
	return &fault{"has no scheme, is " + quote(text), "write " + quote(proposal) + " or https"}
}

// needless finds parts that an endpoint's URL must not have.
func needless(u *url.URL, text string) *fault {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return &fault{"has the unknown scheme " + quote(u.Scheme), "use http or https"}
	case u.User != nil:
		return &fault{"has a user or password in it", "remove it: clients' own credentials are passed on"}
	case u.Path != "" || u.Opaque != "":
		return &fault{"has the path " + quote(u.Path), "remove it: the client's path is passed on as it came"}
	case u.RawQuery != "" || u.ForceQuery:
		return &fault{"has a query", "remove it and the question mark"}
	case strings.Contains(text, "#"):
		return &fault{"has a fragment", "remove it and the #"}
	}
	return nil
}
