// Package prefix guesses which beginnings of prompts an inference server has in its cache. It
// is a leaf: bytes and numbers in, numbers out.
//
// A [Hasher] cuts a prompt into blocks of 1 KiB and gives each a hash of itself and of all
// blocks before it. So one hash stands for one beginning, and equal bytes give equal tokens: no
// tokeniser is asked. Of a long prompt every second hash is kept. Those are the same that a
// shorter prompt has, so a conversation that grows long is still found. The hashes depend on a
// secret of the process, so that nobody can choose two prompts of one hash.
//
// An [Index] has the hashes of what was sent to one server. When it is full, the one that was
// sent the longest time ago makes room, as in the server's own cache. The hashes of a prompt
// are touched from the last to the first. So whoever is there has all that lie before it there
// too, and a match is found by binary search. Its memory is fixed: 24 to 32 bytes a block, and
// none before the first prompt.
//
// What is guessed wrong makes a choice worse, and never an answer wrong.
//
//	var h prefix.Hasher
//	h.Reset(prefix.Join(0, model), prefix.BlockBytes(int64(len(prompt))))
//	h.Write(prompt)
//	chain := h.Chain(nil)
//	index := prefix.NewIndex(4096)
//	index.Touch(chain)
//	cached := index.Match(chain) * prefix.BlockBytes(int64(len(prompt)))
package prefix
