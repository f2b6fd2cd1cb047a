// What is configured, and what traffic is foreseen, in plain values.

package advice

import (
	"slices"
	"time"
)

// Upstream is one upstream as it is configured.
type Upstream struct {
	Name      string
	Policy    string
	Queue     Queue
	Endpoints []Endpoint
}

// Queue is how requests wait for a slot.
type Queue struct {
	Order       string // "fifo" or "shortest_first"
	MaxRequests int    // 0: none waits
	MaxWait     time.Duration
	HoldBack    bool
}

// Endpoint is one endpoint as it is configured.
type Endpoint struct {
	Name         string
	Capacity     float64 // as it is now, where it is measured
	AutoCapacity bool    // it is measured and followed: there is nothing to advise
	Slots        int     // likewise; 0: no limit
	AutoSlots    bool
	Tier         int // those of 0 are in use, the others are backups
}

// Forecast is the work that is foreseen for an upstream.
type Forecast struct {
	Enough bool // there is enough history to go by
	Points []Point
}

// Point is one step of a forecast: predicted work per second, where a usual request is one.
type Point struct {
	At       time.Time
	P50, P95 float64
}

// inUse are the endpoints of the first tier.
func (u *Upstream) inUse() (list []Endpoint) {
	for _, e := range u.Endpoints {
		if e.Tier == 0 {
			list = append(list, e)
		}
	}
	return list
}

// find is the endpoint of that name, or nil.
func (u *Upstream) find(name string) *Endpoint {
	for i := range u.Endpoints {
		if u.Endpoints[i].Name == name {
			return &u.Endpoints[i]
		}
	}
	return nil
}

// queues says whether requests ever wait.
func (u *Upstream) queues() bool {
	return u.Queue.MaxRequests > 0 && slices.ContainsFunc(u.Endpoints, func(e Endpoint) bool { return e.Slots > 0 || e.AutoSlots })
}

// with is the upstream with some changes.
func (u *Upstream) with(change func(*Upstream)) Upstream {
	next := *u
	next.Endpoints = slices.Clone(u.Endpoints)
	change(&next)
	return next
}
