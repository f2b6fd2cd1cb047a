// Who may use a unix socket: mode, owner and group.

package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Mode is the permissions of a unix socket's file, in octal: 0660, 660 and "0660" are the same. 0 leaves them to the
// umask.
type Mode uint16

// Account is a user or a group, by name or by number; "" is that of the process.
type Account string

func readMode(_, text string) (any, bool) {
	text = strings.TrimPrefix(text, "0o")
	bits, err := strconv.ParseUint(text, 8, 16)
	// One or two digits are a slip, and nobody could use a socket of mode 0.
	return Mode(bits), err == nil && len(text) >= 3 && len(text) <= 4 && bits > 0 && bits <= uint64(fs.ModePerm)
}

func printMode(value any) *yaml.Node {
	return scalar("!!str", fmt.Sprintf("%04o", value.(Mode)))
}

func readAccount(tag, text string) (any, bool) {
	return Account(text), tag == "!!str" || tag == "!!int" && IsDecimal(text)
}

// UserID is the number of a user, -1 for none.
func (a Account) UserID() (int, error) {
	return a.id(func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
}

// GroupID is the number of a group, -1 for none.
func (a Account) GroupID() (int, error) {
	return a.id(func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
}

func (a Account) id(lookUp func(name string) (string, error)) (int, error) {
	if a == "" {
		return -1, nil
	}
	digits := string(a)
	if !IsDecimal(digits) {
		var err error
		if digits, err = lookUp(digits); err != nil {
			return -1, err
		}
	}
	number, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return -1, errors.New("a number up to 2147483647 is meant")
	}
	return int(number), nil
}

// validateAccess checks mode, owner and group of a unix socket's file; p is their section.
func (r *report) validateAccess(p path, address string, mode Mode, owner, group Account) {
	for _, key := range []struct {
		name  string
		given bool
	}{{"mode", mode != 0}, {"owner", owner != ""}, {"group", group != ""}} {
		if key.given && !strings.HasPrefix(address, socketPrefix) {
			r.add(p.key(key.name), "remove it, or listen on unix:/path.sock", "is for unix sockets alone, and %s is none", quote(address))
		}
	}
	if mode != 0 && mode&0o222 == 0 {
		r.add(p.key("mode"), "write it like \"0660\"", "lets nobody connect, which takes the right to write")
	}
	if _, err := owner.UserID(); err != nil {
		r.add(p.key("owner"), "give the name or number of a user of this machine", "%s is not a user: %v", quote(string(owner)), err)
	}
	if _, err := group.GroupID(); err != nil {
		r.add(p.key("group"), "give the name or number of a group of this machine", "%s is not a group: %v", quote(string(group)), err)
	}
}
