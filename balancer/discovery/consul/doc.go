// Package consul finds endpoints in Consul: the instances of a service whose checks pass.
//
// It asks by blocking queries: Consul answers when something may have changed, or after some minutes. An answer is a whole
// list. What an instance can take stands in its meta, as endpoint_capacity and endpoint_slots, or in tags of the same
// form (endpoint_capacity=100); else its weight is its capacity, if any instance of the service has been given one.
//
// A list without instances is told as it is, but not as sure: Consul gives the same answer for a service that it has
// never heard of, and after it has lost its data.
//
//	source, err := consul.New(consul.Options{URL: "http://127.0.0.1:8500", Service: "chat"})
//	source.Run(ctx, sink)
package consul
