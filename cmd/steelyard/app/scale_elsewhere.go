// Requests that wait in processes that were replaced, and the servers for them.

package app

import "github.com/steelyard-proxy/steelyard/balancer/discovery"

// Started is a server that whoever starts servers says there is.
type Started struct {
	Name, URL, ID string
	Leaving       bool // it gets no new requests
}

// Waiting is how many requests wait for a server in this process, by upstream. The process that replaces it starts servers for them too.
func (a *App) Waiting() map[string]int {
	all := map[string]int{}
	for _, u := range a.fleet.all() {
		if n := u.pool.Queue().Waiting; n > 0 {
			all[u.name] = n
		}
	}
	return all
}

// waitElsewhere is how many requests to an upstream wait in processes that this one has replaced.
func (f *fleet) waitElsewhere(upstream string) int {
	if by := f.waiting.Load(); by != nil {
		return (*by)[upstream]
	}
	return 0
}

// Started are the servers by upstream, where those who start them know their addresses.
func (a *App) Started() map[string][]Started {
	a.fleet.mu.Lock()
	defer a.fleet.mu.Unlock()
	all := map[string][]Started{}
	for _, u := range a.fleet.upstreams {
		if s := u.scaling; s != nil && s.started != nil {
			list := []Started{}
			for _, e := range s.started {
				list = append(list, Started{e.Name, e.URL, e.ID, e.Departing})
			}
			all[u.name] = list
		}
	}
	return all
}

// StartedElsewhere says what servers the process has that has replaced this one: for the requests that wait here. Before HandOver,
// and of upstreams whose servers others find, it does nothing.
func (a *App) StartedElsewhere(all map[string][]Started) {
	select {
	case <-a.replaced:
	default:
		return
	}
	a.fleet.mu.Lock()
	sinks := map[string]discovery.Sink{}
	for _, u := range a.fleet.upstreams {
		if s := u.scaling; s != nil && s.sink != nil {
			sinks[u.name] = s.sink
		}
	}
	a.fleet.mu.Unlock()
	for upstream, list := range all {
		sink := sinks[upstream]
		if sink == nil {
			continue
		}
		found := discovery.List{Sure: true}
		for _, s := range list {
			found.Endpoints = append(found.Endpoints, discovery.Endpoint{Name: s.Name, URL: s.URL, ID: s.ID, Departing: s.Leaving})
		}
		sink.Found(found)
	}
}
