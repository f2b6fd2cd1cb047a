// Package fault is the error type of the request path. An [Error] says who failed
// (client, upstream, steelyard), how, at which endpoint, and whether the request
// may be sent again. Rooms of the data path return it; package proxy turns it
// into a status, a JSON body and a metric, in one place.
//
//	return fault.New(fault.Connect, err).Unsent()
package fault
