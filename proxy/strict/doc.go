// Package strict reads HTTP/1 messages off the wire and refuses what two
// implementations could understand differently. It alone decides what bytes on the
// wire mean: what it has parsed is routed, and what is routed is forwarded, byte
// for byte.
//
// A [Request] or an [Answer] is parsed in place: its slices point into the bytes
// that were parsed and live as long as they do. [Chunked] undoes the chunked
// coding of a body piece by piece, without a buffer of its own.
//
// A request that is refused carries a [Refusal] with the status to answer. An
// answer is refused with a plain error, which becomes a 502. Requests get no
// leniency at all. Answers get the little that RFC 9112 asks of a proxy: white
// space before a colon is removed.
//
// The package is a leaf and keeps no state between messages. Its types belong
// to one goroutine each.
//
//	end := strict.HeadEnd(bytes)           // -1: more bytes are needed
//	var r strict.Request
//	if refusal := r.Parse(bytes[:end]); refusal != nil { … }
package strict
