// Listening addresses: reading them, and whether two clash.

package configs

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// socketPrefix marks the address of a unix socket.
const socketPrefix = "unix:"

// socketBytes is the longest path that Linux takes for a unix socket; its field has 108 with the final NUL.
const socketBytes = 107

// fault is what is wrong with a text and what to do about it, without its place.
type fault struct{ what, remedy string }

// address is a listening address taken apart: either a socket or a host and a port.
type address struct {
	socket string
	host   string // "" when every address of the machine is meant, whatever the protocol
	port   int    // 0: any free one
}

func parseAddress(text string) (address, *fault) {
	if name, isSocket := strings.CutPrefix(text, socketPrefix); isSocket {
		if name == "" {
			return address{}, &fault{"has no path", "write unix:/path.sock"}
		}
		if len(name) > socketBytes || strings.ContainsRune(name, 0) {
			return address{}, &fault{
				fmt.Sprintf("has a path of %d bytes", len(name)),
				fmt.Sprintf("use one of at most %d bytes, without NUL", socketBytes),
			}
		}
		return address{socket: filepath.Clean(name)}, nil
	}
	const remedy = `write host:port such as "127.0.0.1:8080", "[::1]:8080" or ":8080", or unix:/path.sock`
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return address{}, &fault{"must be host:port or unix:/path.sock, is " + quote(text), remedy}
	}
	port, err := parsePort(digits)
	if err != nil {
		return address{}, &fault{"has the port " + quote(digits), "give a number from 0 (any free port) to 65535, without a leading 0"}
	}
	if host != "" && !validHost(host) {
		return address{}, &fault{"has the host " + quote(host), remedy}
	}
	return address{host: canonicalHost(host), port: port}, nil
}

// canonicalHost returns one spelling for all those of a listening host. Go listens on both protocols for either wildcard.
func canonicalHost(host string) string {
	if strings.EqualFold(host, "localhost") {
		return "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return strings.ToLower(host)
	case ip.IsUnspecified():
		return ""
	default:
		return ip.Unmap().String()
	}
}

// clashes says whether binding one address makes binding the other fail.
func (a address) clashes(b address) bool {
	if a.socket != "" || b.socket != "" {
		return a.socket == b.socket
	}
	return a.port == b.port && a.port != 0 && (a.host == b.host || a.host == "" || b.host == "")
}

// validHost accepts an IP address, or a name in letters, digits, "-", "_" and "." that is not a misspelt IPv4 address.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || strings.ContainsFunc(label, notInWord) {
			return false
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1])
	return err != nil && len(host) <= 253
}
