// The names in a body that mean something to us.

package payload

import "bytes"

// kind is what a known name means.
type kind uint8

const (
	unknown kind = iota
	aModel
	aField
	anObject
	aPrompt
	aTag
	aMetadata
)

// key is a known name: its kind, and its index among names of that kind.
type key struct {
	kind  kind
	index uint8
}

// field is a setting. From maxCompletionTokens on they are limits.
type field uint8

const (
	stream  field = iota
	choices       // n
	bestOf
	maxCompletionTokens // OpenAI chat
	maxTokens           // OpenAI, Anthropic; Triton, there also among the parameters
	maxOutputTokens     // OpenAI responses
	maxNewTokens        // TGI (parameters), SGLang (sampling_params)
	nPredict            // llama.cpp
	numPredict          // Ollama (options)
	fields
)

// object is one that holds settings.
type object uint8

const (
	outermost object = iota
	parameters
	options
	samplingParams
	objects
)

// prompts is how many names there are for parts of the prompt.
const prompts = 11

// Tag is a text in a body that says to whom it belongs, or that keeps equal prompts apart.
type Tag uint8

const (
	NoTag            Tag = iota // that no body has
	User                        // OpenAI: the end user
	SessionID                   // SMG
	PromptCacheKey              // OpenAI: what requests have that begin alike
	SafetyIdentifier            // OpenAI: the end user, in place of User
	MetadataUser                // Anthropic: the end user, user_id in metadata
	loraPath                    // SGLang: the adapter
	adapterID                   // TGI: the adapter, among the parameters
	cacheSalt                   // vLLM: caches that must not know of each other
	extraKey                    // SGLang: the same
	reasoningEffort             // OpenAI; some models are told of it before all else
	tags
)

// Named is the tag of that name, in which a dot leads into an object; NoTag if there is none.
func Named(name string) Tag {
	if name == "metadata.user_id" {
		return MetadataUser
	}
	if k := known([]byte(name)); k.kind == aTag {
		return Tag(k.index)
	}
	return NoTag
}

// known looks a name up. Case matters, as it does to servers.
func known(name []byte) key {
	if k := lookUp(name); k.kind != unknown || bytes.IndexByte(name, '\\') < 0 || len(name) > longest {
		return k
	}
	var room [longest]byte
	return lookUp(unescape(room[:0], name))
}

// longest is the length of the longest known name with each letter escaped.
const longest = len("max_completion_tokens") * len(`\u0000`)

func lookUp(name []byte) key {
	switch string(name) {
	case "model":
		return key{kind: aModel}

	case "stream":
		return key{aField, uint8(stream)}
	case "n":
		return key{aField, uint8(choices)}
	case "best_of":
		return key{aField, uint8(bestOf)}
	case "max_completion_tokens":
		return key{aField, uint8(maxCompletionTokens)}
	case "max_tokens":
		return key{aField, uint8(maxTokens)}
	case "max_output_tokens":
		return key{aField, uint8(maxOutputTokens)}
	case "max_new_tokens":
		return key{aField, uint8(maxNewTokens)}
	case "n_predict":
		return key{aField, uint8(nPredict)}
	case "num_predict":
		return key{aField, uint8(numPredict)}

	case "parameters":
		return key{anObject, uint8(parameters)}
	case "options":
		return key{anObject, uint8(options)}
	case "sampling_params":
		return key{anObject, uint8(samplingParams)}

	case "user":
		return key{aTag, uint8(User)}
	case "session_id":
		return key{aTag, uint8(SessionID)}
	case "prompt_cache_key":
		return key{aTag, uint8(PromptCacheKey)}
	case "safety_identifier":
		return key{aTag, uint8(SafetyIdentifier)}
	case "metadata":
		return key{kind: aMetadata}
	case "lora_path":
		return key{aTag, uint8(loraPath)}
	case "adapter_id":
		return key{aTag, uint8(adapterID)}
	case "cache_salt":
		return key{aTag, uint8(cacheSalt)}
	case "extra_key":
		return key{aTag, uint8(extraKey)}
	case "reasoning_effort":
		return key{aTag, uint8(reasoningEffort)}
	}
	return lookUpPart(name)
}

// lookUpPart finds the parts of a prompt. They are numbered in the order in which models read them.
func lookUpPart(name []byte) key {
	switch string(name) {
	case "tools": // chat templates write them into the prompt
		return key{aPrompt, 0}
	case "system": // Anthropic, Ollama
		return key{aPrompt, 1}
	case "instructions": // OpenAI responses
		return key{aPrompt, 2}
	case "messages": // chat: OpenAI, Anthropic, Ollama
		return key{aPrompt, 3}
	case "prompt": // completions: OpenAI, llama.cpp, Ollama
		return key{aPrompt, 4}
	case "input": // OpenAI responses and embeddings
		return key{aPrompt, 5}
	case "inputs": // TGI, KServe
		return key{aPrompt, 6}
	case "text": // SGLang
		return key{aPrompt, 7}
	case "text_input": // Triton
		return key{aPrompt, 8}
	case "suffix": // OpenAI completions, Ollama: filling in
		return key{aPrompt, 9}
	case "documents": // rerank
		return key{aPrompt, 10}
	}
	return key{}
}
