// Package payload reads from a request's body what it says of the work it asks
// for: the model, how many tokens at most, stream or not, and how long the
// prompt is. [Peek] knows the JSON of OpenAI's interfaces (chat, completions,
// responses, embeddings) and of the servers that speak it, and the native ones
// of TGI, llama.cpp, SGLang, Ollama and Triton. Which of them a body belongs to
// does not matter: their fields do not contradict one another.
//
// A peek is a look in passing at every request, so it allocates nothing and
// reads the body once: the members of the outermost object and of the few
// objects known to hold settings, while all else is skipped without being
// understood. It is therefore no validation: what encoding/json accepts is
// read as encoding/json reads it, and much that it refuses is read as well. A
// body that is not JSON gives no hints but its length, and is no error: what a
// body means is for the server to judge.
//
// The package is a leaf without state. Any goroutine may peek; a body must not
// change as long as its hints are used.
//
//	hints := payload.Peek(body, nil)
//	if hints.OK { … hints.Model, hints.MaxTokens, hints.PromptBytes … }
package payload
