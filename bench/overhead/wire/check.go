// Whether a proxy passed on what it had to.

package wire

import (
	"bytes"
	"errors"
	"strconv"
)

// checkRequest says what a proxy did wrong with a request, or left undone that the others do.
func checkRequest(request []byte, proxied bool) error {
	switch {
	case !headHas(request, "Content-Length", strconv.Itoa(RequestBody)):
		return errors.New("Content-Length is not that of the client")
	case !bytes.HasSuffix(request, question):
		return errors.New("the body is not that of the client")
	case proxied && !headHas(request, "X-Forwarded-For", "127.0.0.1"):
		return errors.New("no X-Forwarded-For with the client's address")
	case proxied && !headHas(request, "X-Forwarded-Proto", "http"):
		return errors.New("no X-Forwarded-Proto")
	}
	return nil
}

// checkAnswer says whether data is the whole answer, and errs when it cannot become it.
func checkAnswer(data []byte) (done bool, err error) {
	size := messageSize(data, AnswerBody)
	switch {
	case len(data) >= len(statusOK) && !bytes.HasPrefix(data, statusOK):
		return false, errors.New("not a 200")
	case size == 0 || len(data) < size:
		return false, nil
	case len(data) > size || !bytes.HasSuffix(data, answer):
		return false, errors.New("not the upstream's body, or re-framed")
	}
	return true, nil
}
