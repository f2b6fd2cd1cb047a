// What is sent: a request, its answer, and one chunk of a stream.

package wire

import (
	"bytes"
	"fmt"
	"strings"
)

// Sizes of what travels, in bytes: a short chat turn, its answer, and one token of a streamed answer.
const (
	RequestBody = 600
	AnswerBody  = 300
	ChunkBody   = 120
)

const (
	stampKey    = `"at":"`
	stampDigits = 16
)

var (
	headEnd = []byte("\r\n\r\n")

	question = []byte(fill(`{"model":"Qwen/Qwen2.5-7B-Instruct","temperature":0.7,"max_tokens":256,"messages":[`+
		`{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"`, `"}]}`, RequestBody))
	answer = []byte(fill(`{"id":"chatcmpl-8f1c","object":"chat.completion","created":1764000000,"model":"Qwen/Qwen2.5-7B-Instruct",`+
		`"choices":[{"index":0,"message":{"role":"assistant","content":"`, `"},"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":96,"completion_tokens":12,"total_tokens":108}}`, AnswerBody))
	// One server-sent event in one HTTP chunk; the sixteen zeros are replaced by the time it is written.
	chunk = fmt.Sprintf("%x\r\n%s\r\n", ChunkBody, fill(`data: {"id":"chatcmpl-8f1c",`+stampKey+strings.Repeat("0", stampDigits)+
		`","choices":[{"index":0,"delta":{"content":"`, `"}}]}`+"\n\n", ChunkBody))

	answerMessage = []byte("HTTP/1.1 200 OK\r\ndate: Mon, 24 Nov 2025 16:00:00 GMT\r\nserver: uvicorn\r\n" +
		fmt.Sprintf("content-length: %d\r\ncontent-type: application/json\r\n\r\n", AnswerBody) + string(answer))
	streamHead = "HTTP/1.1 200 OK\r\ndate: Mon, 24 Nov 2025 16:00:00 GMT\r\nserver: uvicorn\r\n" +
		"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"

	statusOK = []byte("HTTP/1.1 200 ")
)

// requestMessage is a chat completion as the OpenAI SDK for Python sends it, fourteen header fields and all.
func requestMessage(host string) []byte {
	return []byte("POST /v1/chat/completions HTTP/1.1\r\nHost: " + host + "\r\nAccept-Encoding: gzip, deflate\r\n" +
		"Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
		"User-Agent: OpenAI/Python 1.99.9\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 1.99.9\r\n" +
		"X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n" +
		"X-Stainless-Runtime-Version: 3.12.4\r\nAuthorization: Bearer sk-0123456789abcdef0123456789abcdef\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n\r\n", RequestBody) + string(question))
}

// fill pads the middle with words until the whole has exactly size bytes.
func fill(before, after string, size int) string {
	room := size - len(before) - len(after)
	return before + strings.Repeat("lorem ipsum ", room/12+1)[:room] + after
}

// messageSize is how long the message at the start of p is, given the length of its body; 0 while its head is
// still incomplete.
func messageSize(p []byte, body int) int {
	end := bytes.Index(p, headEnd)
	if end < 0 {
		return 0
	}
	return end + len(headEnd) + body
}

// headHas looks for a whole header field, any case, in the head of the message p.
func headHas(p []byte, name, value string) bool {
	head, _, _ := bytes.Cut(p, headEnd)
	for _, line := range bytes.Split(head, []byte("\r\n"))[1:] {
		n, v, _ := strings.Cut(string(line), ":")
		if strings.EqualFold(n, name) && (value == "" || strings.TrimSpace(v) == value) {
			return true
		}
	}
	return false
}
