// Which requests may be done twice.

package proxy

import (
	"bytes"
	"net/http"

	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// idempotent says whether doing the request twice is doing it once, by the rules of its upstream.
func (x *exchange) idempotent() bool {
	r := x.conn.Request
	switch which := x.upstream.Retry.Idempotent; {
	case which == retry.All || idempotent(r.Method):
		return true
	case which == retry.ByMethod || string(r.Method) != http.MethodPost:
		return false
	}
	return asksInference(r.Path)
}

// idempotent says whether the method is by RFC 9110 9.2.2: a proxy may repeat it by itself.
func idempotent(method []byte) bool {
	switch string(method) {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// inference has the ends of paths to which a POST asks for an inference and leaves nothing behind. Any
// prefix may stand before them. OpenAI's /v1/responses is not among them: it keeps what it answers.
var inference = [...]string{
	// OpenAI's API, as vLLM, SGLang, TGI, llama.cpp and others serve it
	"/chat/completions", "/completions", "/embeddings", "/moderations", "/audio/transcriptions", "/audio/translations",
	"/images/generations", "/rerank", "/score", "/pooling", "/classify", "/tokenize", "/detokenize",
	// Anthropic's
	"/v1/messages", "/v1/messages/count_tokens",
	// Ollama's
	"/api/generate", "/api/chat", "/api/embed", "/api/embeddings",
	// TGI, SGLang and text-embeddings-inference
	"/generate", "/generate_stream", "/embed", "/embed_sparse", "/embed_all", "/predict", "/similarity", "/decode",
	// llama.cpp
	"/completion", "/embedding", "/infill", "/reranking",
	// Triton and KServe, v2; SageMaker
	"/infer", "/infer_stream", "/invocations",
}

// asksInference says whether a POST to the path asks for an inference and leaves nothing behind.
func asksInference(path []byte) bool {
	for _, end := range inference {
		if bytes.HasSuffix(path, []byte(end)) {
			return true
		}
	}
	return bytes.HasSuffix(path, []byte(":predict")) // TensorFlow Serving, KServe v1
}
