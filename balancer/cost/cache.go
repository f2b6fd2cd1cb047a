// Which beginnings of prompts a server likely has in its cache.

package cost

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer/prefix"
)

// cache is what was sent to a server of late, as much as its own cache has room for. Two sizes may
// be known, in tokens; 0: not.
type cache struct {
	index      *prefix.Index
	declared   int64   // by whoever runs the server; below 0: it keeps nothing
	reported   int64   // by the server
	blockBytes float64 // of late
	tokenBytes float64 // of late; requests of several upstreams may differ, and each new size takes new memory
}

// usualTokens is the size of a cache of which nobody has said it: that of a model of 8B on a device of 80 GB, and a fourth more.
const usualTokens = 512 << 10

// blockKept is for how many requests the size of blocks and tokens counts.
const blockKept = 64

func newCache() cache {
	return cache{index: prefix.NewIndex(usualTokens * usualBytes / prefix.Block), blockBytes: prefix.Block, tokenBytes: usualBytes}
}

// Forget says that the server has lost what it had in its cache.
func (s *Server) Forget() { s.cache.index.Clear() }

// Remembered returns how many blocks of prompts the server is taken to have in its cache.
func (s *Server) Remembered() int { return s.cache.index.Len() }

// DeclareCache says for how many tokens the server's cache has room: 0, that this is not known, and
// below 0, that it has none. It goes before what ReportCache says.
func (s *Server) DeclareCache(tokens int64) { s.cache.declared = tokens }

// ReportCache says for how many tokens the server's cache has room, by its own words; 0: not known.
func (s *Server) ReportCache(tokens int64) { s.cache.reported = max(tokens, 0) }

// cached returns how many tokens of the prompt the server has read before, and likely kept.
func (s *Server) cached(p *Prompt, a *Ask) float64 {
	if p == nil || len(p.Blocks) == 0 || p.Bytes <= 0 {
		return 0
	}
	return float64(s.cache.index.Match(p.Blocks)) * float64(p.BlockBytes) * a.tokens / float64(p.Bytes)
}

// Known returns how many blocks of the prompt the server has read before, and likely kept.
func (s *Server) Known(p *Prompt) int { return s.cache.index.Match(p.Blocks) }

// remember takes in that the prompt, of which so many tokens were there before, is sent to the server now.
func (c *cache) remember(p *Prompt, a *Ask, cached float64) {
	if len(p.Blocks) == 0 || p.Bytes <= 0 {
		return
	}
	perToken := float64(p.Bytes) / a.tokens
	p.Cached = int64(min(cached*perToken, float64(p.Bytes)))
	c.blockBytes += (float64(p.BlockBytes) - c.blockBytes) / blockKept
	if !p.Unread {
		c.tokenBytes += (perToken - c.tokenBytes) / blockKept
	}
	c.fit(float64(c.tokens()) * c.tokenBytes / c.blockBytes)
	c.index.Touch(p.Blocks)
}

// tokens is for how many the cache has room.
func (c *cache) tokens() int64 {
	switch {
	case c.declared != 0:
		return max(c.declared, 0)
	case c.reported != 0:
		return c.reported
	}
	return usualTokens
}

// fit changes how many blocks there is room for, if it is far from what it should be: that takes new memory.
func (c *cache) fit(blocks float64) {
	const far = 1.25
	now := float64(c.index.Blocks())
	if blocks = min(math.Ceil(blocks), prefix.MostBlocks); blocks > now*far || blocks*far < now {
		c.index.Resize(int(blocks))
	}
}
