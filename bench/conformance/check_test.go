package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check looks at a final recording; its error says what is wrong with it.
type check func(*result) error

func all(checks ...check) check {
	return func(r *result) error {
		for _, c := range checks {
			if err := c(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// either accepts what any of the checks accepts: for choices that the RFCs leave open.
func either(checks ...check) check {
	return func(r *result) error {
		var errs []string
		for _, c := range checks {
			err := c(r)
			if err == nil {
				return nil
			}
			errs = append(errs, err.Error())
		}
		return errors.New("none of the allowed outcomes: " + strings.Join(errs, "; nor: "))
	}
}

func (r *result) answer() (*message, error) {
	if len(r.answers) == 0 {
		return nil, errors.New("no answer")
	}
	return r.answers[0], nil
}

func (r *result) request() (*message, error) {
	if len(r.requests) == 0 {
		return nil, errors.New("the upstream got no whole request")
	}
	return r.requests[0], nil
}

// status is of the first final answer.
func status(codes ...int) check {
	return func(r *result) error {
		m, err := r.answer()
		if err == nil && !slices.Contains(codes, m.status) {
			err = fmt.Errorf("status %d, want one of %v", m.status, codes)
		}
		return err
	}
}

// statuses are those of all final answers, each of them whole and nothing after them.
func statuses(codes ...int) check {
	return func(r *result) error {
		var got []int
		for _, m := range r.answers {
			got = append(got, m.status)
			if !m.whole {
				return fmt.Errorf("answer %d is cut", len(got))
			}
		}
		if !slices.Equal(got, codes) {
			return fmt.Errorf("answers %v, want %v", got, codes)
		}
		return nil
	}
}

// requests is how many whole ones the upstream saw; nothing may be left unfinished.
func requests(n int) check {
	return func(r *result) error {
		for i, u := range r.conns {
			if len(u.rest) > 0 {
				return fmt.Errorf("upstream connection %d carries an unfinished request", i+1)
			}
		}
		return wholeRequests(n)(r)
	}
}

// wholeRequests is requests, but others may have been begun and broken off.
func wholeRequests(n int) check {
	return func(r *result) error {
		if len(r.requests) != n {
			return fmt.Errorf("the upstream got %d whole requests, want %d", len(r.requests), n)
		}
		return nil
	}
}

// untouched says that the upstream saw not one byte.
func untouched(r *result) error {
	if len(r.conns) > 0 {
		return errors.New("the upstream saw some of it")
	}
	return nil
}

// rejected is any way not to take a request: an error, or no answer at all, and nothing whole for the upstream.
func rejected(r *result) error {
	if len(r.requests) > 0 {
		return errors.New("the upstream got a whole request")
	}
	if len(r.answers) > 1 {
		return fmt.Errorf("%d answers to a request that is refused", len(r.answers))
	}
	if len(r.answers) == 1 && r.answers[0].status < 400 {
		return fmt.Errorf("status %d for a request that is refused", r.answers[0].status)
	}
	return nil
}

// refused is rejected with one of these statuses, in a whole answer, before the upstream sees anything.
func refused(codes ...int) check {
	return all(rejected, untouched, status(codes...), complete)
}

// passed is the ordinary course: one request there, one whole 200 back.
var passed = all(requests(1), statuses(200))

// complete says that the first answer is whole, and framed so that the client can know it.
func complete(r *result) error {
	m, err := r.answer()
	if err == nil && !m.whole {
		err = errors.New("the answer is cut")
	}
	return err
}

// unclean says that the client can tell that its answer is not all there: an error of the gateway's own instead, or
// framing that was never completed.
func unclean(r *result) error {
	for _, m := range r.answers {
		if m.whole && m.status < 500 {
			return fmt.Errorf("a cut answer reached the client as a whole %d of %d bytes", m.status, len(m.body))
		}
	}
	return nil
}

func gatewayError(r *result) error { return all(status(502, 503, 504), complete)(r) }

func body(want string) check {
	return all(complete, func(r *result) error {
		if got := string(r.answers[0].body); got != want {
			return fmt.Errorf("body %q, want %q", clip([]byte(got)), clip([]byte(want)))
		}
		return nil
	})
}

func got(name string, want ...string) check {
	return func(r *result) error {
		m, err := r.answer()
		if err == nil && !slices.Equal(m.values(name), want) {
			err = fmt.Errorf("%s in the answer is %q, want %q", name, m.values(name), want)
		}
		return err
	}
}

// gotNo says that a field is in no answer, and none of its name in a trailer.
func gotNo(names ...string) check {
	return func(r *result) error {
		for _, m := range r.answers {
			for _, f := range slices.Concat(m.fields, m.trailer) {
				if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, f.name) }) {
					return fmt.Errorf("field %q in the answer", f.name)
				}
			}
		}
		return nil
	}
}

func interim(codes ...int) check {
	return func(r *result) error {
		var got []int
		for _, m := range r.messages {
			if m.status < 200 && m.status != 101 {
				got = append(got, m.status)
			}
		}
		if !slices.Equal(got, codes) {
			return fmt.Errorf("interim answers %v, want %v", got, codes)
		}
		return nil
	}
}

// clientNever says that some bytes never reach the client, wherever in its answer.
func clientNever(texts ...string) check {
	return func(r *result) error {
		for _, text := range texts {
			if strings.Contains(string(r.got), text) {
				return fmt.Errorf("%q reached the client", text)
			}
		}
		return nil
	}
}
