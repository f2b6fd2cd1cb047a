// Every reason to refuse a request before it is routed.

package strict

// Refusal says why a request is not served. Refusals are shared values:
// compare them by pointer, never change them.
type Refusal struct {
	Status int
	Code   string // machine-readable, part of the JSON error
	Reason string // one sentence for a person
}

func (r *Refusal) Error() string { return r.Reason }

// Plain is the reason, which repeats nothing of the request.
func (r *Refusal) Plain() string { return r.Reason }

func bad(code, reason string) *Refusal { return &Refusal{400, code, reason} }

// The refusals of the gate.
var (
	BadRequestLine   = bad("bad_request_line", "the request line is not METHOD SP target SP HTTP/1.x")
	EmptyLines       = bad("bad_request_line", "more than 8 empty lines stand before the request line")
	BadLineEnd       = bad("bad_line_end", "a line of the head does not end in CR LF")
	BadTarget        = bad("bad_target", "the request target is not a valid origin-form or absolute-form target")
	FragmentInTarget = bad("fragment_in_target", "the request target holds a fragment")
	DotSegment       = bad("dot_segment", "the path holds a dot segment")
	NulInPath        = bad("nul_in_path", "the path holds an encoded NUL")
	HostMismatch     = bad("host_mismatch", "the absolute-form target and the Host field name different hosts")
	BadFieldName     = bad("bad_field_name", "a field name holds a character that is not allowed there")
	BadFieldValue    = bad("bad_field_value", "a field value holds a control character")
	TooManyOptions   = bad("too_many_connection_options", "Connection has more than 64 elements")
	LineFolding      = bad("line_folding", "a field value is continued on a second line")
	NoHost           = bad("no_host", "the Host field is missing")
	TwoHosts         = bad("two_hosts", "there is more than one Host field")
	BadHost          = bad("bad_host", "the Host field is not a valid host")
	BadLength        = bad("bad_content_length", "Content-Length is not one plain number")
	TwoLengths       = bad("two_content_lengths", "there is more than one Content-Length field")
	LengthAndCoding  = bad("length_and_coding", "there are both Content-Length and Transfer-Encoding")
	BadCoding        = bad("bad_transfer_encoding", "Transfer-Encoding is not exactly one 'chunked'")
	CodingInHTTP10   = bad("transfer_encoding_in_http10", "HTTP/1.0 has no Transfer-Encoding")
	FramingLookalike = bad("framing_lookalike", "a field name imitates a framing field with an underscore")
	BadChunk         = bad("bad_chunk", "the chunked coding of the body is malformed")
	BigExtensions    = bad("chunk_extensions_too_large", "the chunk extensions of the body are larger than its data and 16 KiB")
	BadTrailer       = bad("bad_trailer", "the trailer section holds a malformed or forbidden field")
	BodyCutShort     = bad("body_cut_short", "the body ended before its announced end")
	PlainToTLS       = bad("plain_http_to_tls", "a plain HTTP request was sent to a TLS port; use https")

	MethodRefused      = &Refusal{405, "method_not_allowed", "CONNECT and TRACE are not served"}
	HeaderTimeout      = &Refusal{408, "header_timeout", "the head of the request took too long to arrive"}
	BodyTimeout        = &Refusal{408, "body_timeout", "the body of the request took too long to arrive"}
	BodyTooSlow        = &Refusal{408, "body_too_slow", "the body of the request came more slowly than clients.min_send_rate"}
	BodyTooLarge       = &Refusal{413, "body_too_large", "the body is larger than limits.body_bytes"}
	TargetTooLong      = &Refusal{414, "target_too_long", "the request line is longer than limits.header_bytes"}
	BadExpectation     = &Refusal{417, "bad_expectation", "the only expectation served is 100-continue"}
	HeaderTooLarge     = &Refusal{431, "header_too_large", "the head of the request is larger than limits.header_bytes"}
	TooManyFields      = &Refusal{431, "too_many_fields", "the head of the request has more than 1000 fields"}
	VersionNotServed   = &Refusal{505, "version_not_supported", "the HTTP versions served are 1.0 and 1.1"}
	TooManyOfClient    = &Refusal{429, "client_connections", "this address has as many connections open as clients.max_connections allows"}
	TooManyConnections = &Refusal{503, "too_many_connections", "limits.connections is reached"}
)

// malformed is what is wrong with a message that is not refused to a client.
type malformed string

func (m malformed) Error() string { return string(m) }

// Plain is what is wrong, which repeats nothing of the message.
func (m malformed) Plain() string { return string(m) }
