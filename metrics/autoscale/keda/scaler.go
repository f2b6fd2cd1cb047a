// The calls of the contract, and what each answers.

package keda

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
)

// Figure is what an upstream's scaling goes by.
type Figure struct {
	Value  float64 // servers' worth of work
	Target float64 // how much of it one server should have; above 0, also where the rest is not known
	Active bool    // there has lately been a request, or a server starts: none at all would be too few
	Known  bool    // Value and Active are; false: they are missing, or too old to act by
	Why    string  // why they are not known
}

// Options are what the scaler asks. Both functions are called from many goroutines and must not block.
type Options struct {
	Figure    func(upstream string) (f Figure, found bool)
	Upstreams func() []string // that scale, for messages
	Every     time.Duration   // how often a stream looks whether Active has changed; default 1s
}

// Scaler answers KEDA.
type Scaler struct {
	options Options
	streams atomic.Int64 // open now
}

// New returns a scaler. It serves nothing before Run.
func New(o Options) *Scaler {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	return &Scaler{options: o}
}

const (
	upstreamKey = "upstream" // of a trigger's metadata
	// mostStreams is more than there are ScaledObjects for one gateway.
	mostStreams = 256
	// mostValue keeps a figure within what KEDA makes of it: a whole number of thousandths.
	mostValue = math.MaxInt64 / 1e4
)

// of is what is known of the upstream that a trigger names.
func (s *Scaler) of(ref *ScaledObjectRef) (name string, f Figure, err error) {
	name = ref.Metadata[upstreamKey]
	if name == "" {
		return "", f, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("metadata.%s is missing in the trigger of %s: %s", upstreamKey, who(ref), s.choice()))
	}
	f, found := s.options.Figure(name)
	if !found {
		return "", f, connect.NewError(connect.CodeNotFound, fmt.Errorf("no upstream %s scales, which the trigger of %s names in metadata.%s: %s", shorten(name), who(ref), upstreamKey, s.choice()))
	}
	if !(f.Target > 0) || math.IsInf(f.Target, 1) {
		return "", f, unavailable(name, "what one server should have is no number above 0")
	}
	return name, f, nil
}

// known is of, where the figures are.
func (s *Scaler) known(ref *ScaledObjectRef) (name string, f Figure, err error) {
	name, f, err = s.of(ref)
	switch {
	case err != nil:
		return "", f, err
	case !f.Known:
		return "", f, unavailable(name, f.Why)
	case !(f.Value >= 0) || math.IsInf(f.Value, 1):
		return "", f, unavailable(name, "its work is no number of 0 or more")
	}
	f.Value = min(f.Value, mostValue)
	return name, f, nil
}

func unavailable(name, why string) error {
	if why == "" {
		why = "nothing is known of it"
	}
	return connect.NewError(connect.CodeUnavailable, fmt.Errorf("upstream %s: %s; the number of replicas should stay as it is", shorten(name), why))
}

// choice says which upstreams a trigger may name.
func (s *Scaler) choice() string {
	names := s.options.Upstreams()
	if len(names) == 0 {
		return "no upstream of this gateway has scale"
	}
	const most = 20
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	return "there are " + strings.Join(names, ", ") + more
}

func who(ref *ScaledObjectRef) string { return shorten(ref.Namespace + "/" + ref.Name) }

// shorten bounds a text that somebody else has chosen.
func shorten(s string) string {
	const most = 128
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

func (s *Scaler) isActive(_ context.Context, r *connect.Request[ScaledObjectRef]) (*connect.Response[IsActiveResponse], error) {
	_, f, err := s.known(r.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&IsActiveResponse{f.Active}), nil
}

// streamIsActive tells at once, and again whenever it has changed. What is not known is not told: KEDA keeps what it
// heard last, and asks besides.
func (s *Scaler) streamIsActive(ctx context.Context, r *connect.Request[ScaledObjectRef], stream *connect.ServerStream[IsActiveResponse]) error {
	if _, _, err := s.of(r.Msg); err != nil {
		return err
	}
	if s.streams.Add(1) > mostStreams {
		s.streams.Add(-1)
		return connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("%d streams are open already", mostStreams))
	}
	defer s.streams.Add(-1)
	tick := time.NewTicker(s.options.Every)
	defer tick.Stop()
	for told, was := false, false; ; {
		_, f, err := s.known(r.Msg)
		switch {
		case err != nil && connect.CodeOf(err) != connect.CodeUnavailable:
			return err // the upstream is gone
		case err == nil && (!told || f.Active != was):
			if err := stream.Send(&IsActiveResponse{f.Active}); err != nil {
				return err
			}
			told, was = true, f.Active
		}
		select {
		case <-ctx.Done():
			return nil // after an end without an error KEDA comes back soonest
		case <-tick.C:
		}
	}
}

func (s *Scaler) getMetricSpec(_ context.Context, r *connect.Request[ScaledObjectRef]) (*connect.Response[GetMetricSpecResponse], error) {
	name, f, err := s.of(r.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&GetMetricSpecResponse{[]MetricSpec{{metricName(name), f.Target}}}), nil
}

func (s *Scaler) getMetrics(_ context.Context, r *connect.Request[GetMetricsRequest]) (*connect.Response[GetMetricsResponse], error) {
	name, f, err := s.known(&r.Msg.Ref)
	if err != nil {
		return nil, err
	}
	if want := metricName(name); r.Msg.Metric != want {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("upstream %s has the metric %s, and not %s", name, want, shorten(r.Msg.Metric)))
	}
	return connect.NewResponse(&GetMetricsResponse{[]MetricValue{{r.Msg.Metric, f.Value}}}), nil
}

// metricName is the name of an upstream's metric. KEDA puts "-" in place of some signs before it asks, so there is
// nothing else in it.
func metricName(upstream string) string {
	return "steelyard-" + strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		}
		return '-'
	}, upstream)
}
