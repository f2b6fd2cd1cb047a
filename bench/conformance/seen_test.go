package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// The checks of this file look at the first whole request that the upstream received.

func line(want string) check {
	return func(r *result) error {
		m, err := r.request()
		if err == nil && m.line != want {
			err = fmt.Errorf("the upstream got %q, want %q", m.line, want)
		}
		return err
	}
}

func saw(name string, want ...string) check {
	return func(r *result) error {
		m, err := r.request()
		if err == nil && !slices.Equal(m.values(name), want) {
			err = fmt.Errorf("%s at the upstream is %q, want %q", name, m.values(name), want)
		}
		return err
	}
}

// sawList is saw for fields whose lines may be joined.
func sawList(name, want string) check {
	return func(r *result) error {
		m, err := r.request()
		if err == nil && strings.Join(m.values(name), ", ") != want {
			err = fmt.Errorf("%s at the upstream is %q, want %q in one or more lines", name, m.values(name), want)
		}
		return err
	}
}

func sawSome(name, part string) check {
	return func(r *result) error {
		m, err := r.request()
		if err == nil && !strings.Contains(m.value(name), part) {
			err = fmt.Errorf("%s at the upstream is %q, want %q in it", name, m.values(name), part)
		}
		return err
	}
}

// sawNo says that no request has these fields, nor a trailer of their name.
func sawNo(names ...string) check {
	return func(r *result) error {
		for _, m := range r.requests {
			for _, f := range slices.Concat(m.fields, m.trailer) {
				if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, f.name) }) {
					return fmt.Errorf("field %q reached the upstream", f.name)
				}
			}
		}
		return nil
	}
}

func sawBody(want string) check {
	return func(r *result) error {
		m, err := r.request()
		if err == nil && string(m.body) != want {
			err = fmt.Errorf("body at the upstream is %q, want %q", clip(m.body), clip([]byte(want)))
		}
		return err
	}
}

// sawNoValue says that the header has no field of this name and value; one of the gateway's own making may be there.
func sawNoValue(name, value string) check {
	return func(r *result) error {
		for _, m := range r.requests {
			if strings.Contains(m.value(name), value) {
				return fmt.Errorf("%s at the upstream is %q", name, m.value(name))
			}
		}
		return nil
	}
}

func sawNoTrailer(name string) check {
	return func(r *result) error {
		for _, m := range r.requests {
			if slices.ContainsFunc(m.trailer, func(f field) bool { return strings.EqualFold(f.name, name) }) {
				return fmt.Errorf("trailer at the upstream is %q", m.trailer)
			}
		}
		return nil
	}
}

func sawTrailer(name, want string) check {
	return func(r *result) error {
		m, err := r.request()
		if err != nil {
			return err
		}
		for _, f := range m.trailer {
			if strings.EqualFold(f.name, name) && f.value == want {
				return nil
			}
		}
		return fmt.Errorf("trailer at the upstream is %q, want %s: %s", m.trailer, name, want)
	}
}

// upstreamNever says that some bytes never reach the upstream, on any connection.
func upstreamNever(texts ...string) check {
	return func(r *result) error {
		for _, u := range r.conns {
			for _, text := range texts {
				if strings.Contains(string(u.got), text) {
					return fmt.Errorf("%q reached the upstream", text)
				}
			}
		}
		return nil
	}
}

// targets are those of all requests, in the order of connections and on them.
func targets(want ...string) check {
	return func(r *result) error {
		var got []string
		for _, m := range r.requests {
			got = append(got, m.target)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("the upstream got requests for %q, want %q", got, want)
		}
		return nil
	}
}

// connections is how many the upstream saw that carried anything.
func connections(n int) check {
	return func(r *result) error {
		if len(r.conns) != n {
			return fmt.Errorf("the upstream saw %d connections, want %d", len(r.conns), n)
		}
		return nil
	}
}
