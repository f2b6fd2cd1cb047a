// The kinds of check, and the plain connect.

package probe

import "context"

// check asks a target once. The context brings the deadline.
type check func(ctx context.Context) *verdict

// newCheck returns the check that the options ask for.
func newCheck(o Options, t Target) check {
	host := t.Host
	if host == "" {
		host = o.Host
	}
	d := newDialer(t, host, o.Timeout)
	if o.Path == "" {
		return d.connect
	}
	if host == "" {
		host = t.Address
		if t.Network == "unix" {
			host = "localhost"
		}
	}
	return (&get{Options: o, dialer: d, host: host}).ask
}

// connect is the check of targets without a path.
func (d *dialer) connect(ctx context.Context) *verdict {
	conn, failure := d.dial(ctx)
	if failure != nil {
		return failure
	}
	conn.Close()
	if d.tls != nil {
		return &verdict{Passed, "connected with TLS"}
	}
	return &verdict{Passed, "connected"}
}
