// What is read of Kubernetes' objects.

package kubernetes

import (
	"math"
	"strconv"
	"strings"
)

// meta is what every object has.
type meta struct {
	Name        string            `json:"name"`
	UID         string            `json:"uid"`
	Version     string            `json:"resourceVersion"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// object is one of which only that is read: a pod.
type object struct {
	Metadata meta `json:"metadata"`
}

type service struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		Type     string            `json:"type"`
		Selector map[string]string `json:"selector"`
	} `json:"spec"`
}

type slice struct {
	Metadata  meta          `json:"metadata"`
	Family    string        `json:"addressType"` // IPv4, IPv6 or FQDN
	Endpoints []sliceMember `json:"endpoints"`
	Ports     []slicePort   `json:"ports"`
}

type sliceMember struct {
	Addresses  []string   `json:"addresses"` // all of the same server: only the first is used, as everywhere in Kubernetes
	Conditions conditions `json:"conditions"`
	Target     *struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
		UID  string `json:"uid"`
	} `json:"targetRef"`
}

type slicePort struct {
	Name     *string `json:"name"`
	Port     *int    `json:"port"`
	Protocol *string `json:"protocol"`
}

// conditions are nil where nothing is said, which does not mean false.
type conditions struct {
	Ready       *bool `json:"ready"`
	Serving     *bool `json:"serving"`
	Terminating *bool `json:"terminating"`
}

func (c *conditions) ready() bool { return c.Ready == nil || *c.Ready }

func (c *conditions) serving() bool {
	if c.Serving == nil {
		return c.ready()
	}
	return *c.Serving
}

func (c *conditions) terminating() bool { return c.Terminating != nil && *c.Terminating }

// What an object says of a server's strength.
const (
	capacityKey = "steelyard.dev/capacity"
	slotsKey    = "steelyard.dev/slots"
)

// strength is capacity and slots; 0 where nothing is said.
type strength struct {
	capacity float64
	slots    int
}

// strength is what the object says, and what of it cannot be used.
func (m *meta) strength() (s strength, problem string) {
	if text, given := m.say(capacityKey); given {
		c, err := strconv.ParseFloat(text, 64)
		if err != nil || !(c >= 1e-9 && c <= 1e15) || math.IsNaN(c) {
			problem = capacityKey + " of " + m.Name + " must be a number above 0, is " + strconv.Quote(text)
		} else {
			s.capacity = c
		}
	}
	if text, given := m.say(slotsKey); given {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1_000_000 {
			problem = slotsKey + " of " + m.Name + " must be a whole number from 1 to 1000000, is " + strconv.Quote(text)
		} else {
			s.slots = n
		}
	}
	return s, problem
}

// say is the value of an annotation, or else of a label.
func (m *meta) say(key string) (string, bool) {
	text, given := m.Annotations[key]
	if !given {
		text, given = m.Labels[key]
	}
	return strings.TrimSpace(text), given
}

// or fills in what the first does not say.
func (s strength) or(o strength) strength {
	if s.capacity == 0 {
		s.capacity = o.capacity
	}
	if s.slots == 0 {
		s.slots = o.slots
	}
	return s
}
