// Warnings of requests that failed, in the log.

package proxy

import (
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
)

// complain logs what steelyard had to answer with 5xx, or had to cut: each where an
// endpoint or a mistake of ours is behind it, the others once in a while.
func (x *exchange) complain(f *fault.Error) {
	if f.Status() < 500 {
		return
	}
	upstream := ""
	if x.upstream != nil {
		upstream = x.upstream.Name
	}
	leftOut := zap.Skip()
	if f.Endpoint == "" && f.Kind != fault.Internal {
		var ok bool
		if leftOut, ok = x.handler.warnings.pass(warning{upstream, f.Code()}); !ok {
			return
		}
	}
	x.handler.log.Warn("request failed", append(x.about(),
		zap.Int("status", f.Status()), zap.Bool("cut", x.reply.answering()),
		zap.String("upstream", upstream), zap.String("endpoint", f.Endpoint),
		zap.String("code", f.Code()), cause(f), leftOut)...)
}

// about is which request a warning is about, in copies: the line outlives the request.
func (x *exchange) about() []zap.Field {
	x.remember()
	return []zap.Field{
		zap.String("request_id", string(x.requestID())), zap.String("client", client(x.conn.Peer)),
		zap.String("method", string(x.line.method)), zap.String("path", string(x.line.path)),
	}
}

// cause is all that is known of why, within bounds: an endpoint may have chosen the words.
func cause(f *fault.Error) zap.Field {
	if f.Err == nil {
		return zap.Skip()
	}
	return zap.String("error", fault.Shorten(f.Err.Error()))
}
