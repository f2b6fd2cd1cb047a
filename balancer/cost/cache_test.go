package cost

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer/prefix"
)

// chain is the hashes of a prompt of so many blocks, which has the first of them in common with others.
func chain(of, common, blocks int) (hashes []uint64) {
	hash := uint64(0)
	for k := range blocks {
		who := byte(0)
		if k >= common {
			who = byte(of)
		}
		hash = prefix.Join(hash, []byte{who, byte(k), byte(k >> 8)})
		hashes = append(hashes, hash)
	}
	return hashes
}

func prompt(hashes []uint64) *Prompt {
	return &Prompt{Bytes: int64(len(hashes) * prefix.Block), Blocks: hashes, BlockBytes: prefix.Block, Streams: true}
}

// sent lets a prompt come and go, and returns how many bytes of it were there before.
func (d *desk) sent(p *Prompt) int64 {
	v := new(Visit)
	d.Send(v, &d.up, p, even, d.now)
	d.end(v)
	return p.Cached
}

func (d *desk) read(p *Prompt) float64 {
	ask := d.up.Ask(p, d.now)
	return d.Quote(&ask, even).Read
}

func TestWhatWasSentNeedNotBeRead(t *testing.T) {
	d := newDesk()
	first, second := prompt(chain(1, 6, 10)), prompt(chain(2, 6, 10))
	cold := d.read(first)
	assert.Zero(t, d.sent(first))
	known := 6 * prefix.Block / 4.0
	all := 10 * prefix.Block / 4.0
	assert.InDelta(t, (all-known+2.5e-5*(all*all-known*known))/10_000, d.read(second), 1e-9)
	assert.InDelta(t, 1+2.5e-5*(2*all-1), d.read(first)*10_000, 1e-6, "the last token is always read")
	assert.EqualValues(t, 6*prefix.Block, d.sent(second))
	assert.EqualValues(t, 10*prefix.Block, d.sent(second))
	d.Forget()
	assert.InDelta(t, cold, d.read(first), 1e-9)
	assert.Zero(t, d.State())
}

// A prompt with pictures is longer in blocks than in text.
func TestNoMoreIsKnownThanThereIs(t *testing.T) {
	d := newDesk()
	p := prompt(chain(1, 0, 10))
	p.Bytes = 100
	d.sent(p)
	assert.EqualValues(t, 100, d.sent(p))
	assert.InDelta(t, 1e-4, d.read(p), 1e-6)
	p.Bytes = 0
	assert.NotPanics(t, func() { d.sent(p) })
}

func TestCacheHasTheSizeThatIsKnown(t *testing.T) {
	d := newDesk()
	one := func(of int) *Prompt { return prompt(chain(of, 0, 10)) }
	assert.Equal(t, 2048, d.cache.index.Blocks())
	d.ReportCache(20 * prefix.Block / 4) // 20 blocks at 4 bytes a token
	d.sent(one(1))
	assert.Equal(t, 20, d.cache.index.Blocks())
	d.sent(one(2))
	d.sent(one(3))
	assert.Zero(t, d.sent(one(1)), "it has made room for the others")
	d.DeclareCache(100 * prefix.Block / 4)
	d.sent(one(1))
	assert.Equal(t, 100, d.cache.index.Blocks())
	d.ReportCache(0)
	assert.Equal(t, 100, d.cache.index.Blocks(), "what is declared counts")
	d.DeclareCache(-1)
	d.sent(one(1))
	assert.Zero(t, d.sent(one(1)), "there is none")
	assert.Zero(t, d.cache.index.Blocks())
	d.DeclareCache(0)
	d.ReportCache(0)
	d.sent(one(1))
	assert.Equal(t, 2048, d.cache.index.Blocks())
	d.ReportCache(20 * prefix.Block / 4)
	for range 20 * blockKept {
		p := one(1)
		p.Bytes, p.BlockBytes = 2*p.Bytes, 2*prefix.Block
		d.sent(p)
	}
	assert.InDelta(t, 10, d.cache.index.Blocks(), 3, "blocks of 2 KiB hold twice as much")
}

// Two upstreams share the server, and the tokens of one are longer.
func TestCacheIsNotBuiltAnewForEachUpstream(t *testing.T) {
	d, other := newDesk(), newDesk()
	other.up.prompts = ratio{over: 8 * promptsKept, under: promptsKept}
	d.ReportCache(100 * prefix.Block / 4)
	v, changed := new(Visit), 0
	for range 4 * blockKept {
		for _, up := range []*Upstream{&d.up, &other.up} {
			before := d.cache.index.Blocks()
			d.Send(v, up, prompt(chain(1, 0, 10)), even, d.now)
			d.End(v, false, Usage{}, d.now)
			if d.cache.index.Blocks() != before {
				changed++
			}
		}
	}
	assert.LessOrEqual(t, changed, 4)
	assert.InDelta(t, 150, d.cache.index.Blocks(), 40)
}

func TestCacheAllocatesNothing(t *testing.T) {
	d := newDesk()
	d.ReportCache(50 * prefix.Block / 4)
	prompts := []*Prompt{prompt(chain(1, 3, 20)), prompt(chain(2, 3, 20)), prompt(chain(3, 3, 20)), prompt(chain(4, 3, 20))}
	v, i := new(Visit), 0
	once := func() {
		d.Send(v, &d.up, prompts[i%4], even, d.now)
		d.End(v, false, Usage{}, d.now)
		i++
	}
	once()
	assert.Zero(t, testing.AllocsPerRun(100, once))
}
