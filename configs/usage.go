// Usage: what is kept of who asks and how it fares.

package configs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Usage says what is kept of finished requests for analysis. It holds nothing of what they say.
type Usage struct {
	Enabled bool   `yaml:"enabled"`
	User    string `yaml:"user"`             // what is kept of users: "hash", "plain" or "off"
	Header  string `yaml:"header,omitempty"` // field in which peers of forwarded.trust name the user; "": none
	Dir     string `yaml:"dir,omitempty"`    // of its files, absolute; "": in memory only
	Days    int    `yaml:"days"`             // that files are kept
	// MaxBytes is what all files may have together.
	MaxBytes Bytes `yaml:"max_bytes"`
}

const (
	userHash, userPlain = "hash", "plain"
	leastUsage          = 1 * mib
	mostDays            = 3660
)

func usageDefaults() Usage {
	return Usage{Enabled: true, User: userHash, Days: 30, MaxBytes: 1 * gib}
}

func (r *report) validateUsage(u *Usage) {
	r.oneOf("usage.user", u.User, userHash, userPlain, offWord)
	r.validateUserHeader("usage.header", u.Header)
	r.validateFolder("usage.dir", u.Dir)
	between(r, "usage.days", u.Days, 1, mostDays, "give for how many days files are kept")
	between(r, "usage.max_bytes", u.MaxBytes, leastUsage, 1024*tib, "give what all files may have together, like 1GiB")
}

// validateUserHeader refuses what is no name of a field, and fields that name no user.
func (r *report) validateUserHeader(p path, name string) {
	const remedy = "name a field that your proxy sets, like X-User"
	lower := strings.ToLower(name)
	switch {
	case name == "":
	case len(name) > 64 || strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		r.add(p, remedy, "is no name of a header field: %s", quote(name))
	case lower == "authorization" || lower == "x-api-key" || lower == "api-key" || lower == "cookie" || lower == "proxy-authorization":
		r.add(p, remedy+"; keys are known without it", "holds secrets, which must not be kept: %s", quote(name))
	case lower == "x-forwarded-for" || lower == "x-real-ip" || lower == "forwarded":
		r.add(p, "remove it: users that nothing else tells apart are known by their address", "names an address: %s", quote(name))
	}
}

// validateFolder reports a folder for our files that is none, or has no folder to be made in.
func (r *report) validateFolder(p path, name string) {
	if name == "" {
		return
	}
	const remedy = "name a folder, or one that can be made in a folder that is there; relative names start at the configuration file's folder"
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		name = filepath.Dir(name)
		info, err = os.Stat(name)
	}
	switch {
	case err != nil:
		r.add(p, remedy, "%s cannot be used: %v", quote(name), fileCause(err))
	case !info.IsDir():
		r.add(p, remedy, "%s is not a folder", quote(name))
	}
}

// reviewUsage notes what has no effect.
func (r *report) reviewUsage(c *Config) {
	u, usual := &c.Usage, usageDefaults()
	note := func(p path, given bool, remedy, why string) {
		if given {
			r.note(p, remedy, "has no effect: %s", why)
		}
	}
	if !u.Enabled {
		const remedy, why = "remove it, or the line that says off", "usage is off"
		note("usage.user", u.User != usual.User, remedy, why)
		note("usage.header", u.Header != "", remedy, why)
		note("usage.dir", u.Dir != "", remedy, why)
		return
	}
	note("usage.header", u.Header != "" && u.User == offWord, "remove it, or the line user: off", "nothing is kept of users")
	note("usage.header", u.Header != "" && len(c.Forwarded.Trust) == 0, "add the proxy that sets it to forwarded.trust", "no peer is trusted")
	const remedy, why = "give dir, or remove it", "without usage.dir there are no files"
	note("usage.days", u.Dir == "" && u.Days != usual.Days, remedy, why)
	note("usage.max_bytes", u.Dir == "" && u.MaxBytes != usual.MaxBytes, remedy, why)
}
