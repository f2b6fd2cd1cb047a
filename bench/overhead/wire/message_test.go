package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessagesHaveTheSizesTheyClaim(t *testing.T) {
	require.Len(t, question, RequestBody)
	require.Len(t, answer, AnswerBody)
	require.True(t, json.Valid(question), "%s", question)
	require.True(t, json.Valid(answer), "%s", answer)
	request := requestMessage("127.0.0.1:80")
	require.Equal(t, len(request), messageSize(request, RequestBody))
	require.Equal(t, len(answerMessage), messageSize(answerMessage, AnswerBody))

	size, rest, _ := strings.Cut(chunk, "\r\n")
	require.Equal(t, fmt.Sprintf("%x", ChunkBody), size)
	require.Len(t, strings.TrimSuffix(rest, "\r\n"), ChunkBody)
	event := strings.TrimPrefix(strings.TrimSpace(rest), "data: ")
	require.True(t, json.Valid([]byte(event)), event)
}

func TestMessageSize(t *testing.T) {
	require.Zero(t, messageSize([]byte("HTTP/1.1 200 OK\r\nA: b\r\n"), 5), "head incomplete")
	require.Equal(t, 24, messageSize([]byte("HTTP/1.1 200 OK\r\n\r\nhello"), 5))
	require.Equal(t, 24, messageSize([]byte("HTTP/1.1 200 OK\r\n\r\nhel"), 5), "body incomplete")
}

func TestHeadHas(t *testing.T) {
	p := []byte("POST / HTTP/1.1\r\nhost: a\r\nX-Forwarded-FOR: 127.0.0.1\r\n\r\nX-Body: no")
	require.True(t, headHas(p, "X-Forwarded-For", "127.0.0.1"))
	require.True(t, headHas(p, "Host", ""))
	require.False(t, headHas(p, "X-Forwarded-For", "127.0.0.2"))
	require.False(t, headHas(p, "X-Body", "no"), "the body is not the head")
	require.False(t, headHas(p, "POST / HTTP/1.1", ""), "nor is the request line")
}

func TestCheckRequest(t *testing.T) {
	plain := requestMessage("h")
	require.NoError(t, checkRequest(plain, false))
	require.ErrorContains(t, checkRequest(plain, true), "X-Forwarded-For")
	forwarded := bytes.Replace(plain, []byte("\r\nHost"), []byte("\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nHost"), 1)
	require.NoError(t, checkRequest(forwarded, true))
	require.ErrorContains(t, checkRequest(plain[:len(plain)-1], false), "body")
}

func TestCheckAnswer(t *testing.T) {
	done, err := checkAnswer(answerMessage)
	require.NoError(t, err)
	require.True(t, done)
	for _, cut := range []int{1, 40, len(answerMessage) - 1} {
		done, err = checkAnswer(answerMessage[:cut])
		require.NoError(t, err, cut)
		require.False(t, done, cut)
	}
	for name, bad := range map[string][]byte{
		"another status": bytes.Replace(answerMessage, []byte("200 OK"), []byte("502 No"), 1),
		"another body":   bytes.Replace(answerMessage, []byte("lorem"), []byte("LOREM"), 1),
		"more than one":  append(bytes.Clone(answerMessage), 'H'),
	} {
		_, err = checkAnswer(bad)
		require.Error(t, err, name)
	}
}

func TestFifoKeepsOrderAndDoesNotGrow(t *testing.T) {
	var q fifo[int]
	next := 0
	for i := range 10_000 {
		q.push(i)
		if i%2 == 0 || i > 100 { // at most some fifty wait at once
			got, ok := q.pop()
			require.True(t, ok)
			require.Equal(t, next, got)
			next++
		}
	}
	require.Less(t, cap(q.items), 1024)
	for range q.len() {
		got, _ := q.pop()
		require.Equal(t, next, got)
		next++
	}
	_, ok := q.pop()
	require.False(t, ok)
	require.Equal(t, 10_000, next)
}
