// Package route says which rule a request falls under, by its host and path. It
// names rules by their number and knows nothing of upstreams.
//
// A rule matches a path that equals its own or continues it after a "/": "/v1"
// matches "/v1" and "/v1/models" but not "/v1beta". Rules with the request's host
// come before rules without a host; among those the longest path wins. Paths are
// compared as they came, undecoded: the gate has refused those that could be read
// in two ways.
//
// A Table is immutable and safe for concurrent use.
package route
