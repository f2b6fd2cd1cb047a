// Who may use the admin listener.

package configs

import (
	"bytes"
	"net/netip"
	"os"
)

// leastToken is the shortest token that nobody guesses, in bytes.
const leastToken = 16

// validateAdminToken reports a token that cannot be used, or that is missing where others reach the listener.
func (r *report) validateAdminToken(a *Admin) {
	const key = path("admin.token_file")
	if a.TokenFile == "" {
		if own, wrong := parseAddress(a.Address); a.Address != "" && wrong == nil && !own.private() {
			r.add("admin.address", "give admin.token_file, a file that holds a token (openssl rand -hex 32 makes one), or listen on 127.0.0.1 or a unix socket",
				"can be reached from other machines: whoever reaches it reads what users do, and drains endpoints")
		}
		return
	}
	content, good := r.readSecret(key, a.TokenFile)
	if !good {
		return
	}
	token := bytes.TrimSpace(content)
	const remedy = "put one in it, such as openssl rand -hex 32 prints"
	switch {
	case len(token) < leastToken:
		r.add(key, remedy, "holds a token of less than %d bytes", leastToken)
	case len(token) > 1024 || bytes.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.add(key, remedy, "holds no token: one is a line of at most 1024 letters, digits and signs")
	}
}

// private says whether only this machine reaches an address.
func (a address) private() bool {
	ip, err := netip.ParseAddr(a.host)
	return a.socket != "" || err == nil && ip.IsLoopback()
}

// reviewAdmin notes what has no effect, and what others may read.
func (r *report) reviewAdmin(a *Admin) {
	if a.Address == "" && len(a.Hosts) > 0 {
		r.note("admin.hosts", "give the address, or remove it", "has no effect: without admin.address there is no admin listener")
	}
	if a.Address == "" && a.TokenFile != "" {
		r.note("admin.token_file", "give the address, or remove it", "has no effect: without admin.address there is no admin listener")
	}
	if info, err := os.Stat(a.TokenFile); a.TokenFile != "" && err == nil && info.Mode().Perm()&0o004 != 0 {
		r.note("admin.token_file", "chmod o-r", "can be read by every user of this machine: %s", quote(a.TokenFile))
	}
}
