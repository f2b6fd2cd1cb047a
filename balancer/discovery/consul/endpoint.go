// An instance of a service as an endpoint.

package consul

import (
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// What an instance's meta may say, or its tags as NAME=VALUE. They are those of a list in Prometheus' shape.
const (
	saysCapacity = "endpoint_capacity"
	saysSlots    = "endpoint_slots"
	saysTier     = "endpoint_tier"
	saysScheme   = "endpoint_scheme"
	saysName     = "endpoint_name"
)

// endpoint is what an instance says. What cannot be read stays a value that discovery.Check refuses and names.
func (s *Source) endpoint(i *instance, weighted bool) discovery.Endpoint {
	e := discovery.Endpoint{Name: i.say(saysName)}
	if e.Name == "" && i.Service.ID != "" && i.Node.Node != "" && !strings.ContainsRune(i.Service.ID+i.Node.Node, '/') {
		e.Name = i.Service.ID + "@" + i.Node.Node // an ID is unique within a node
	}
	host, port, scheme := i.Service.Address, i.Service.Port, i.say(saysScheme)
	if host == "" {
		host = i.Node.Address
	}
	if port == 0 {
		port = s.options.Port
	}
	if scheme == "" {
		scheme = s.options.Scheme
	}
	if host != "" {
		e.URL = scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
	}
	if text := i.say(saysCapacity); text != "" {
		if e.Capacity, _ = strconv.ParseFloat(text, 64); e.Capacity == 0 {
			e.Capacity = math.NaN() // is refused, and the endpoint stays as it was
		}
	} else if weighted {
		e.Capacity = float64(i.Service.Weights.Passing)
	}
	e.Slots = whole(i.say(saysSlots))
	e.Tier = whole(i.say(saysTier))
	return e
}

// whole is a number; "" is 0, and what is none is -1.
func whole(text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// say is what the meta or a tag says.
func (i *instance) say(name string) string {
	if text := i.Service.Meta[name]; text != "" {
		return text
	}
	for _, tag := range i.Service.Tags {
		if text, is := strings.CutPrefix(tag, name+"="); is {
			return text
		}
	}
	return ""
}
