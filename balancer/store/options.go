// Where a Redis server is, and how its URL is read.

package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say where a server is, and how long it may take. Treat them as constant.
type Options struct {
	Network      string   // "tcp" or "unix"; "": tcp
	Addresses    []string // host:port, or paths of sockets; of several, the master is used
	User         string
	Password     string
	PasswordFile string // read at each connection, instead of Password; "": none
	Database     int
	TLS          *tls.Config   // nil: not encrypted
	Timeout      time.Duration // of each call, dialling included; 0: a second
	MostAnswer   int64         // bytes that a call may be answered with; 0: 32 MiB
	Name         string        // by which the server's CLIENT LIST shows us; "": none
	Dial         Dial          // nil: by the system
}

// Dial connects to a server's address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// URLRemedy says how a URL is written.
const URLRemedy = "write redis://[user:password@]host:6379/0, rediss:// with TLS, or unix:///path/of/socket"

const usualPort = "6379"

// mostDatabase is more than any server is set up with.
const mostDatabase = 1 << 16

// Parse reads one URL, or those of several servers of which one is the master. They differ in nothing but host and port.
// Its errors never repeat a URL, which may hold a password.
func Parse(urls ...string) (Options, error) {
	if len(urls) == 0 {
		return Options{}, errors.New("no URL is given: " + URLRemedy)
	}
	var all Options
	for i, text := range urls {
		o, err := parse(text)
		if err != nil {
			return Options{}, err
		}
		if i == 0 {
			all = o
			continue
		}
		if o.Network != all.Network || o.User != all.User || o.Password != all.Password || o.Database != all.Database || (o.TLS == nil) != (all.TLS == nil) {
			return Options{}, errors.New("the URLs differ in more than host and port: give all of them the same scheme, user, password and database")
		}
		if slices.Contains(all.Addresses, o.Addresses[0]) {
			return Options{}, fmt.Errorf("%s is given twice: leave one out", o.Addresses[0])
		}
		all.Addresses = append(all.Addresses, o.Addresses[0])
	}
	return all, nil
}

func parse(text string) (Options, error) {
	u, err := url.Parse(text)
	if err != nil || strings.ContainsAny(text, " \t\r\n") {
		return Options{}, errors.New("is not a URL: " + URLRemedy)
	}
	o := Options{Network: "tcp", User: u.User.Username()}
	o.Password, _ = u.User.Password()
	switch {
	case u.Fragment != "" || strings.Contains(text, "#"):
		return o, errors.New("has a # in it: remove it and what follows, or write %23 if it is part of the password")
	case u.Scheme == "unix":
		return socketOptions(o, u)
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return o, errors.New("has no scheme that is known here: " + URLRemedy)
	case u.Hostname() == "":
		return o, errors.New("has no host: " + URLRemedy)
	case u.RawQuery != "":
		return o, errors.New("has a query: remove it; the database stands after the host, as /0")
	}
	port := u.Port()
	if port == "" {
		port = usualPort
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || strings.HasSuffix(u.Host, ":") {
		return o, errors.New("has a bad port: give a number from 1 to 65535")
	}
	if u.Scheme == "rediss" {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12} // redigo adds the host's name
	}
	o.Addresses = []string{net.JoinHostPort(u.Hostname(), port)}
	o.Database, err = database(strings.TrimPrefix(u.Path, "/"))
	return o, err
}

func socketOptions(o Options, u *url.URL) (Options, error) {
	if u.Host != "" || !strings.HasPrefix(u.Path, "/") || u.Path == "/" {
		return o, errors.New("has no absolute path of a socket: write unix:///path/of/socket, with three slashes")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(query) > 1 || len(query) == 1 && len(query["db"]) != 1 {
		return o, errors.New("has a query that is not understood: write ?db=0 for the database, or leave it out")
	}
	o.Network, o.Addresses = "unix", []string{u.Path}
	o.Database, err = database(query.Get("db"))
	return o, err
}

func database(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n >= mostDatabase || strconv.Itoa(n) != text {
		return 0, errors.New("has a bad database: give a number, such as 0")
	}
	return n, nil
}

// where names the servers for people, without user or password.
func (o *Options) where() string {
	scheme := "redis://"
	switch {
	case o.Network == "unix":
		scheme = "unix://"
	case o.TLS != nil:
		scheme = "rediss://"
	}
	return scheme + strings.Join(o.Addresses, ",")
}
