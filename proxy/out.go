package proxy

import (
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// A head may grow by a quarter ("a:" becomes "a: ") and by what a proxy adds.
var outBuffers = wire.NewBuffers(transport.BufferBytes + transport.BufferBytes/4 + 4<<10)

// takeOut is the buffer in which something for either side is put together; it
// is held only while that lasts.
func (x *exchange) takeOut() *wire.Buffer {
	if x.out == nil {
		x.out, x.n = outBuffers.Get(), 0
	}
	return x.out
}

// hold makes b, which was put together in the buffer, what is sent next. Texts of others
// lie in it, so that it may have outgrown the buffer.
func (x *exchange) hold(b []byte) {
	x.out.Hold(b)
	x.n = len(b)
}

func (x *exchange) dropOut() {
	if x.out != nil {
		x.out.Release()
		x.out, x.n = nil, 0
	}
}
