// Package conformance holds the gateway to HTTP as RFC 9110 and RFC 9112 write it, and to the statuses that steelyard
// promises where the RFCs leave a choice. It is black box: it builds the real binary, starts one process for each case
// between a raw TCP client and a raw TCP upstream, and looks at nothing but the bytes on both sides.
//
// A case is a row of a table: a name, the section it rests on, what the client and the upstream do, and what must be
// true of the recording afterwards. Two tiers of checks keep the suite honest:
//
//   - want holds for any correct proxy, and accepts every outcome that the RFCs allow;
//   - ours is narrower and is asked of steelyard only.
//
// That the first tier is fair is shown by running it against other proxies, which need only be installed:
//
//	go test ./bench/conformance                                          steelyard
//	STEELYARD_CONFORMANCE_TARGET=nginx   go test ./bench/conformance     and the few that nginx fails
//	STEELYARD_CONFORMANCE_TARGET=haproxy go test ./bench/conformance
//	STEELYARD_CONFORMANCE_TARGET=bare    go test ./bench/conformance     and what fasthttp alone does (package bare)
//	STEELYARD_CONFORMANCE_RACE=1 go test ./bench/conformance             steelyard with its race detector on
//	go test ./bench/conformance -run 'TestChunks/size_0x5$'              one case, with its bytes on failure
//
// Nothing here waits for time to pass: every step waits for a condition (bytes, a whole message, the end of a stream,
// a signal between the two sides), and a deadline turns a condition that never comes into a failure. A case ends by
// killing its gateway, so that what the upstream has recorded by then is final and "nothing arrived" can be asserted.
package conformance
