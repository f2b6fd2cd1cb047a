// The memory of a batching engine: what its requests hold, and what it remembers of prompts.

package engine

import "sort"

// memory is a KV cache, counted in tokens. Full blocks of prompts are shared by all who begin alike, and stay when the last of
// these has ended, until others need the room: the one that ended longest ago goes first, and of one prompt its end before its
// beginning. So whenever a block is there, all before it are.
type memory struct {
	total, reserve int // tokens; a request is let in only where reserve is left
	used           int // by blocks, and by requests for themselves
	blocks         map[uint64]*block
	resting        block // head of the ring of blocks that nobody holds: younger is the oldest, older the youngest
	rests          int   // how many
	spare          *block
}

// block is BlockTokens of a prompt, after all that came before them.
type block struct {
	key            uint64
	holders        int
	younger, older *block // in the ring, while nobody holds it; younger also links the spare ones
}

func newMemory(tokens int) *memory {
	m := &memory{total: tokens, reserve: tokens / 100, blocks: map[uint64]*block{}}
	m.resting.younger, m.resting.older = &m.resting, &m.resting
	return m
}

// fits says whether so many tokens can ever be held by one request.
func (m *memory) fits(tokens int) bool { return tokens <= m.total-m.reserve }

// held is what those who run hold.
func (m *memory) held() int { return m.used - m.rests*BlockTokens }

// admit gives a request all the memory that its prompt needs, if it is there: the blocks that are remembered, and room for the
// rest. It returns how many blocks of the chain were remembered.
func (m *memory) admit(chain []uint64, tokens int) (known int, admitted bool) {
	known = sort.Search(len(chain), func(i int) bool { return m.blocks[chain[i]] == nil })
	resting := 0
	for _, key := range chain[:known] {
		if m.blocks[key].holders == 0 {
			resting++
		}
	}
	need := tokens - known*BlockTokens
	if m.held()+resting*BlockTokens+need > m.total-m.reserve {
		return 0, false
	}
	for _, key := range chain[:known] {
		m.hold(m.blocks[key])
	}
	m.used += need
	for m.used > m.total {
		m.forget()
	}
	return known, true
}

// grow gives a request one token more, or none where requests hold everything.
func (m *memory) grow() bool {
	if m.used == m.total {
		if m.rests == 0 {
			return false
		}
		m.forget()
	}
	m.used++
	return true
}

// publish makes a block of what a request has read into room of its own; where the block is there already, the room is free.
func (m *memory) publish(key uint64) {
	if b := m.blocks[key]; b != nil {
		m.hold(b)
		m.used -= BlockTokens
		return
	}
	b := m.spare
	if b == nil {
		b = new(block)
	} else {
		m.spare = b.younger
	}
	*b = block{key: key, holders: 1}
	m.blocks[key] = b
}

// release takes back what a request holds: the first blocks of its chain, and tokens of its own.
func (m *memory) release(chain []uint64, own int) {
	m.used -= own
	for i := len(chain) - 1; i >= 0; i-- {
		b := m.blocks[chain[i]]
		if b.holders--; b.holders > 0 {
			continue
		}
		b.younger, b.older = &m.resting, m.resting.older
		b.older.younger, b.younger.older = b, b
		m.rests++
	}
}

func (m *memory) hold(b *block) {
	if b.holders == 0 {
		m.unlink(b)
	}
	b.holders++
}

func (m *memory) unlink(b *block) {
	b.older.younger, b.younger.older = b.younger, b.older
	m.rests--
}

// forget makes room of the block that has rested for longest. There must be one.
func (m *memory) forget() {
	b := m.resting.younger
	m.unlink(b)
	delete(m.blocks, b.key)
	m.used -= BlockTokens
	b.younger, m.spare = m.spare, b
}

// chain turns the numbers of full blocks into keys, each of which stands for the block and all before it.
func chain(prefix []uint64, promptTokens int) []uint64 {
	keys := make([]uint64, min(len(prefix), promptTokens/BlockTokens))
	key := uint64(0)
	for i := range keys {
		key = mix(key ^ mix(prefix[i]+1))
		keys[i] = key
	}
	return keys
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
