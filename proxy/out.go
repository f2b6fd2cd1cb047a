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

func (x *exchange) dropOut() {
	if x.out != nil {
		x.out.Release()
		x.out, x.n = nil, 0
	}
}
