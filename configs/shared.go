// Other gateways in front of the same servers: how they hear of each other.

package configs

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Shared says how several gateways hear of each other: by Redis, or by asking each other. With neither this gateway is alone.
type Shared struct {
	// Redis is the URL of a server, or those of several with commas between, of which the master is used.
	Redis        SecretURL `yaml:"redis,omitempty"`
	PasswordFile string    `yaml:"password_file,omitempty"` // of a file with Redis' password, absolute; "": it is in the URL, or there is none
	// Peers are the admin listeners of the other gateways; this one may stand among them.
	Peers      []string      `yaml:"peers,omitempty"`
	SecretFile string        `yaml:"secret_file,omitempty"` // a file with the key by which peers know each other, and users have one name at all gateways, absolute
	Name       string        `yaml:"name,omitempty"`        // of this gateway; "": the machine's
	Cluster    string        `yaml:"cluster"`               // gateways of another cluster are not heard
	Publish    time.Duration `yaml:"publish"`               // the longest time between two pages
	Timeout    time.Duration `yaml:"timeout"`               // of a call
	Limits     bool          `yaml:"limits"`                // limits.requests is for all gateways together
}

// On says whether there may be other gateways.
func (s *Shared) On() bool { return s.Redis != "" || len(s.Peers) > 0 }

const (
	leastPublish, mostPublish = 20 * time.Millisecond, time.Second // members are forgotten after 5 s
	leastStoreTime            = time.Millisecond
	mostStoreTime             = 500 * time.Millisecond
	mostGatewayName           = 128
)

func sharedDefaults() Shared {
	return Shared{Cluster: "steelyard", Publish: 200 * time.Millisecond, Timeout: 100 * time.Millisecond}
}

// RedisURLs are those of shared.redis.
func (u SecretURL) RedisURLs() []string {
	return strings.FieldsFunc(string(u), func(c rune) bool { return c == ',' || c == ' ' })
}

func (r *report) validateShared(c *Config) {
	s := &c.Shared
	if s.Redis != "" && len(s.Peers) > 0 {
		r.add("shared.peers", "keep one of the two", "shared.redis is given as well")
	}
	if s.Redis != "" {
		r.validateRedis("shared.redis", s.Redis)
	}
	if s.PasswordFile != "" {
		r.readSecret("shared.password_file", s.PasswordFile)
	}
	r.validatePeers(c)
	if n := r.validateKeys("shared.secret_file", s.SecretFile); n > 1 {
		r.add("shared.secret_file", "keep one, the same for all gateways", "holds %d keys", n)
	}
	if s.Name != "" {
		r.validateName("shared.name", s.Name)
	}
	r.validateCluster("shared.cluster", s.Cluster)
	between(r, "shared.publish", s.Publish, leastPublish, mostPublish, "give how often the others hear of this gateway at least")
	between(r, "shared.timeout", s.Timeout, leastStoreTime, mostStoreTime, "give how long the others may take to answer")
}

// validateRedis reports URLs of Redis that cannot be meant. It never repeats one, which may hold a password.
func (r *report) validateRedis(p path, urls SecretURL) {
	const remedy = "write redis://[user:password@]host:6379/0, rediss:// with TLS, or unix:///path/of/socket"
	list := urls.RedisURLs()
	if len(list) == 0 {
		r.add(p, remedy, "has no URL")
	}
	var first *url.URL
	for _, text := range list {
		u, err := url.Parse(text)
		if err != nil {
			r.add(p, remedy+`; in a password write %40 for @, %3A for :, %2F for / and %2C for a comma`, "is not a URL")
			continue
		}
		if what := redisFault(u); what != "" {
			r.add(p, remedy, "%s", what)
			continue
		}
		if first == nil {
			first = u
		} else if u.Scheme != first.Scheme || u.User.String() != first.User.String() || strings.Trim(u.Path, "/") != strings.Trim(first.Path, "/") && u.Scheme != "unix" {
			r.add(p, "give all of them the same scheme, user, password and database", "has URLs that differ in more than host and port")
		}
	}
}

// redisFault is what is wrong with a URL of Redis; "": nothing.
func redisFault(u *url.URL) string {
	switch {
	case u.Scheme == "unix":
		if u.Host != "" || len(u.Path) < 2 {
			return "names no socket: there are three slashes"
		}
		return ""
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return "must begin with redis://, rediss:// or unix://"
	case u.Hostname() == "":
		return "has no host"
	case !goodPort(u.Port()):
		return badPort.what
	case u.RawQuery != "" || u.Fragment != "":
		return "has something after the number of the database"
	}
	if database := strings.TrimPrefix(u.Path, "/"); database != "" {
		if n, err := strconv.Atoi(database); err != nil || n < 0 || strconv.Itoa(n) != database {
			return "ends with " + quote(database) + ", which is no number of a database"
		}
	}
	return ""
}

// validateCluster reports what would make keys that nobody can read.
func (r *report) validateCluster(p path, name string) {
	if name == "" || len(name) > mostGatewayName || strings.ContainsFunc(name, notInWord) {
		r.add(p, `use letters, digits, "-" and "_"; gateways of one cluster have the same`, "is no name of a cluster: %s", quote(name))
	}
}

// validatePeers reports peers that cannot be meant, and what keeps them from hearing each other.
func (r *report) validatePeers(c *Config) {
	s := &c.Shared
	seen := map[string]bool{}
	for i, text := range s.Peers {
		p := path("shared.peers").item(i)
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			r.add(p, "write the address of its admin listener, such as http://10.0.0.2:9090", "is not the address of a gateway: %s", quote(text))
		case !goodPort(u.Port()) || u.Port() == "":
			r.add(p, "give the port of its admin listener, such as :9090", "has no port that can be connected to: %s", quote(text))
		case seen[u.Host]:
			r.add(p, "name each once", "is there already")
		default:
			seen[u.Host] = true
		}
	}
	switch {
	case len(s.Peers) == 0:
		return
	case c.Admin.Address == "":
		r.add("shared.peers", "give admin.address: the others tell this gateway there", "has no effect without an admin listener")
	case s.SecretFile == "":
		r.missing("shared.secret_file", "give a file with the same key for all gateways, such as openssl rand -base64 32 prints: whoever has none could make servers look busy")
	}
}

// reviewShared notes what has no effect, and what others may read.
func (r *report) reviewShared(c *Config) {
	s, usual := &c.Shared, sharedDefaults()
	const remedy = "give shared.redis or shared.peers, or remove it"
	if !s.On() {
		for _, key := range []struct {
			p     path
			given bool
		}{
			{"shared.name", s.Name != ""}, {"shared.cluster", s.Cluster != usual.Cluster}, {"shared.publish", s.Publish != usual.Publish},
			{"shared.timeout", s.Timeout != usual.Timeout}, {"shared.limits", s.Limits},
		} {
			if key.given {
				r.note(key.p, remedy, "has no effect: this gateway is alone")
			}
		}
	}
	if s.PasswordFile != "" && s.Redis == "" {
		r.note("shared.password_file", "give shared.redis, or remove it", "has no effect without shared.redis")
	}
	if s.SecretFile != "" && !s.On() {
		r.note("shared.secret_file", remedy, "has no effect: this gateway is alone")
	}
	if s.Redis != "" && s.SecretFile == "" && c.Usage.Enabled && c.Usage.User != "off" {
		r.note("shared.secret_file", "give a file with the same key for all gateways, such as openssl rand -base64 32 prints", "a user has another name at each gateway, and counts as several in `steelyard usage`")
	}
	if s.Limits && c.Limits.Requests == 0 {
		r.note("shared.limits", "give limits.requests, or remove it", "has no effect: there is no limit of requests")
	}
	if strings.HasPrefix(string(s.Redis), "redis://") && strings.Contains(string(s.Redis), "@") && !strings.Contains(string(s.Redis), "@127.0.0.1") && !strings.Contains(string(s.Redis), "@localhost") {
		r.note("shared.redis", "use rediss://", "anybody on the way can read the password")
	}
}
