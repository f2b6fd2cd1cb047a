// Package payload reads from a request's body what work it asks for: the model,
// the most tokens, stream or not, and the length of the prompt. [Peek] knows the
// JSON of OpenAI's interfaces (chat, completions, responses, embeddings) and of
// the servers that speak it, and the native ones of TGI, llama.cpp, SGLang, Ollama
// and Triton. It need not know which of them a body belongs to: their fields do
// not contradict one another.
//
// Every request is peeked at, so Peek allocates nothing and reads the body once:
// the members of the outermost object and of the few objects known to hold
// settings. It skips the rest without understanding it, and validates nothing:
// it reads what encoding/json accepts in the same way, and much that
// encoding/json refuses. A body that is not JSON gives no hint but its length,
// and is no error: the server judges what a body means.
//
// The package is a leaf without state. Any goroutine may peek; a body must not
// change as long as its hints are used.
//
// A [Prompt] is where the body has what the model reads, found in the same pass. Its pieces come in
// the order in which models read them, so that prompts that begin alike are seen to, whatever the
// order of their members.
//
// A [Continuation] follows a stream of text that an answer is, so that another server can be
// asked for the rest of it.
//
//	hints := payload.Peek(body, nil)
//	if hints.OK { … hints.Model, hints.MaxTokens, hints.PromptBytes … }
package payload
