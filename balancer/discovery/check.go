// What is wrong in a list of endpoints.

package discovery

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

const (
	// Most is how many endpoints one source may name.
	Most               = 10_000
	mostName, mostHost = 128, 253 // bytes

	leastCapacity, mostCapacity = 1e-9, 1e15 // others would be lost to rounding in a sum
	mostSlots                   = 1_000_000
	mostTier                    = 9
)

// Fault is what is wrong with one endpoint of a list.
type Fault struct {
	Index  int    // in the list
	Name   string // of the endpoint, "" where it has none
	What   string
	Remedy string
}

// Error implements error, with the place and the remedy.
func (f *Fault) Error() string {
	name := ""
	if f.Name != "" {
		name = fmt.Sprintf(" (%s)", quote(f.Name))
	}
	return fmt.Sprintf("endpoints[%d]%s: %s: %s", f.Index, name, f.What, f.Remedy)
}

// Check returns the endpoints that can be used, each with its name and with its URL in its one spelling, and what
// is wrong with the others. One that is named twice in the same words counts once. It fails where there are too many.
func Check(list []Endpoint) (good []Endpoint, faults []Fault, err error) {
	if len(list) > Most {
		return nil, nil, fmt.Errorf("the list names %d endpoints: at most %d are taken; name those of this upstream alone", len(list), Most)
	}
	good = make([]Endpoint, 0, len(list))
	known := make(map[string]int, len(list)) // by name, in good
	for i, e := range list {
		what, remedy := e.resolve()
		if what == "" {
			at, again := known[e.Name]
			if !again {
				known[e.Name], good = len(good), append(good, e)
				continue
			}
			if first := &good[at]; first.Same(&e) {
				first.Departing = first.Departing && e.Departing
				continue
			}
			what, remedy = "another endpoint of the list has this name, "+quote(good[at].URL), "give each a name of its own"
		}
		faults = append(faults, Fault{Index: i, Name: e.Name, What: what, Remedy: remedy})
	}
	return good, faults, nil
}

// resolve fills in the name, and gives the URL its one spelling. It says what is wrong, "" for nothing.
func (e *Endpoint) resolve() (what, remedy string) {
	spelled, what, remedy := spell(e.URL)
	if what != "" {
		return what, remedy
	}
	e.URL = spelled
	if e.Name == "" {
		_, e.Name, _ = strings.Cut(spelled, "://")
	}
	switch {
	case len(e.Name) > mostName:
		what, remedy = fmt.Sprintf("the name has %d bytes", len(e.Name)), fmt.Sprintf("shorten it to at most %d", mostName)
		e.Name = ""
	case e.Name == ".", e.Name == "..", strings.TrimSpace(e.Name) != e.Name, strings.ContainsFunc(e.Name, unreadable):
		what, remedy = quote(e.Name)+" is no name", `use letters, digits and signs, but no "/" and no space around it`
		e.Name = ""
	case e.Capacity != 0 && !(e.Capacity >= leastCapacity && e.Capacity <= mostCapacity):
		what, remedy = fmt.Sprintf("the capacity is %v", e.Capacity), "give a finite number above 0, or leave it out"
	case math.Signbit(e.Capacity):
		what, remedy = "the capacity is -0", "give a finite number above 0, or leave it out"
	case e.Slots < 0 || e.Slots > mostSlots:
		what, remedy = fmt.Sprintf("slots is %d", e.Slots), fmt.Sprintf("give 0 to %d, or leave it out", mostSlots)
	case e.Tier < 0 || e.Tier > mostTier:
		what, remedy = fmt.Sprintf("tier is %d", e.Tier), fmt.Sprintf("give 0 to what is used first, up to %d to backups", mostTier)
	}
	return what, remedy
}

// unreadable is what would make a log line, or the path of an admin request, another one.
func unreadable(c rune) bool { return c == '/' || !unicode.IsPrint(c) || c == unicode.ReplacementChar }

const urlRemedy = "write http://host:port or https://host:port"

// spell is an endpoint's URL as it is known: scheme://host:port, lower-case. Messages never repeat what
// stands before an "@", which may be a password.
func spell(text string) (spelled, what, remedy string) {
	if text == "" {
		return "", "it has no url", urlRemedy
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", "the url is none", urlRemedy
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "the url does not begin with http:// or https://", urlRemedy
	case u.User != nil:
		return "", "the url has a user or password in it", "remove it: clients' own credentials are passed on"
	case u.Path != "" && u.Path != "/", u.Opaque != "", u.RawQuery != "", u.ForceQuery, strings.Contains(text, "#"):
		return "", "the url has more than a host and a port", "remove it: the client's path is passed on as it came"
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if what, remedy = judgeHost(host); what != "" {
		return "", what, remedy
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strings.HasSuffix(u.Host, ":") || port[0] == '0' {
		return "", "the url has a bad port", "give a number from 1 to 65535"
	}
	return u.Scheme + "://" + net.JoinHostPort(host, port), "", ""
}

// judgeHost refuses what is no host, and addresses where no server of a fleet is: whoever may write to a source must
// not be able to have requests sent to a cloud's metadata service, which has a link-local address.
func judgeHost(host string) (what, remedy string) {
	const address = "give the address at which this machine reaches the server"
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return judgeName(host)
	}
	ip = ip.Unmap()
	switch {
	case ip.Zone() != "":
		return "the address " + quote(host) + " has a zone, which belongs to one machine only", address
	case ip.IsUnspecified():
		return "the address " + quote(host) + " is nobody's", address
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "the address " + quote(host) + " is not one server's", address
	case ip.IsLinkLocalUnicast():
		return "the address " + quote(host) + " is link-local", address
	}
	return "", ""
}

// judgeName refuses what is no name of a host.
func judgeName(host string) (what, remedy string) {
	const remedies = "use an IP address, or a name in ASCII letters, digits, -, _ and ."
	if host == "" {
		return "the url has no host", urlRemedy
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	_, notNumber := strconv.ParseUint(last, 0, 64)
	if len(host) > mostHost || strings.Contains(host, "..") || host[0] == '.' || notNumber == nil && last != "" {
		return "the url has the host " + quote(host), remedies
	}
	for _, c := range []byte(host) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return "the url has the host " + quote(host), remedies
		}
	}
	return "", ""
}

// quote shows a text of a source's, which may be anything, on one line of bounded length.
func quote(text string) string {
	const most = 80
	if len(text) > most {
		return strconv.Quote(text[:most]) + "..."
	}
	return strconv.Quote(text)
}
