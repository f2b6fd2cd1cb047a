// What a server says of itself, and under which keys.

package redis

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

const (
	// UsualTTL is how long a record lives that is not renewed.
	UsualTTL = 15 * time.Second
	// LeastTTL and MostTTL bound it. A third of it is the time from one renewal to the next.
	LeastTTL, MostTTL = 3 * time.Second, 10 * time.Minute
	// mostRecord is how many bytes a record may have.
	mostRecord = 4 << 10
	// UsualCluster is for those who share a Redis with nobody. It is also that of gateways.
	UsualCluster = "steelyard"
)

// Group is the servers that one upstream finds.
type Group struct {
	Cluster string // whose they are; "": UsualCluster
	Name    string // what they serve; an upstream's name
}

// Check says what is wrong with a group's names.
func (g Group) Check() error {
	for _, c := range []struct{ what, name string }{{"cluster", g.cluster()}, {"upstream", g.Name}} {
		switch {
		case c.name == "":
			return fmt.Errorf("no %s is given: write the name of the servers' upstream", c.what)
		case len(c.name) > 128, strings.TrimSpace(c.name) != c.name, strings.ContainsFunc(c.name, func(r rune) bool { return !unicode.IsPrint(r) }):
			return fmt.Errorf("the %s %q is no name: write letters, digits and signs, at most 128", c.what, c.name)
		}
	}
	if strings.ContainsAny(g.cluster(), ":*?[]{} ") {
		return fmt.Errorf("the cluster %q is no name: write letters, digits, -, _ and .", g.Cluster)
	}
	return nil
}

func (g Group) cluster() string {
	if g.Cluster == "" {
		return UsualCluster
	}
	return g.Cluster
}

// index is the key of the set of all names.
func (g Group) index() string {
	return "steelyard:{" + g.cluster() + "}:servers:" + url.QueryEscape(g.Name)
}

// entry is the key of one record.
func (g Group) entry(server string) string {
	return "steelyard:{" + g.cluster() + "}:server:" + url.QueryEscape(g.Name) + ":" + server
}

// Record is what a server says of itself.
type Record struct {
	Name      string  `json:"-"`
	URL       string  `json:"url"`
	ID        string  `json:"id,omitempty"` // as of discovery.Endpoint
	Capacity  float64 `json:"capacity,omitempty"`
	Slots     int     `json:"slots,omitempty"`
	Tier      int     `json:"tier,omitempty"`
	Departing bool    `json:"departing,omitempty"`
	Owner     string  `json:"owner"`  // who registers it: only he renews it
	TTLMillis int64   `json:"ttl_ms"` // how long it lives
}

// ttl is how long a record says that it lives, if it can be believed.
func (r *Record) ttl() time.Duration {
	return min(max(time.Duration(r.TTLMillis)*time.Millisecond, LeastTTL), MostTTL)
}

func (r *Record) endpoint() discovery.Endpoint {
	return discovery.Endpoint{
		Name: r.Name, URL: r.URL, ID: r.ID, Capacity: r.Capacity, Slots: r.Slots, Tier: r.Tier, Departing: r.Departing,
	}
}

// CheckRecord fills in the name, and says what is wrong with a server.
func CheckRecord(r *Record) error {
	good, faults, err := discovery.Check([]discovery.Endpoint{r.endpoint()})
	switch {
	case err != nil:
		return err
	case len(faults) > 0:
		return fmt.Errorf("%s: %s", faults[0].What, faults[0].Remedy)
	case len(good) == 0:
		return errors.New("it is no server")
	}
	r.Name, r.URL = good[0].Name, good[0].URL
	return nil
}

func (r *Record) text() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("BUG: a record cannot be printed: " + err.Error())
	}
	return string(text)
}

// parse reads a record. One that is none has no URL, so that it is refused by its name.
func parse(name string, text []byte) Record {
	var r Record
	if len(text) > mostRecord || json.Unmarshal(text, &r) != nil {
		r = Record{}
	}
	r.Name = name
	return r
}
