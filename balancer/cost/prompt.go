// What a request gives an engine to read, and what the engine says that it was.

package cost

// Prompt is what a request gives an engine to read. The zero Prompt says nothing.
type Prompt struct {
	Bytes      int64    // of the prompt's text, or of the body where that is not read; 0: not known
	Blocks     []uint64 // chained hashes of its full blocks, first to last; nil: none. Valid until the request has ended
	BlockBytes int      // of each block
	Session    uint64   // hash of what says which session it belongs to; 0: nothing does
	Unread     bool     // Bytes are of a body that was not read, or is no JSON: it may be pictures or sound
	Streams    bool     // its answer comes token by token, and the server will be told of them
	Cached     int64    // of Bytes: what the server likely had in its cache that it was sent to last; written at Send, where there are Blocks
}

// Usage is what the engine said that the request was; zeros where it said nothing.
type Usage struct{ PromptTokens, CachedTokens, CompletionTokens int }
