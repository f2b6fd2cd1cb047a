// The source: readings of a group, one after the other.

package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/store"
)

const (
	// UsualInterval is the time from one reading to the next.
	UsualInterval = 2 * time.Second
	// atOnce is how many records one command asks for: a Redis does nothing else meanwhile.
	atOnce = 500
	// mostNames is how many a set may hold, those of servers that are gone included.
	mostNames = 4 * discovery.Most
)

// Options say what is read, and where.
type Options struct {
	Store    *store.Client // the source's own from now on: Run closes it
	Group    Group
	Interval time.Duration // 0: UsualInterval
}

// Source reads one group.
type Source struct {
	options Options
	memory  memory
}

// New returns a source that has read nothing.
func New(o Options) (*Source, error) {
	if err := o.Group.Check(); err != nil {
		return nil, err
	}
	if o.Interval <= 0 {
		o.Interval = UsualInterval
	}
	return &Source{options: o}, nil
}

// Run implements discovery.Source.
func (s *Source) Run(ctx context.Context, sink discovery.Sink) {
	defer func() { _ = s.options.Store.Close() }()
	var backoff discovery.Backoff
	for {
		pause := discovery.Jitter(s.options.Interval)
		records, err := s.read(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.memory.away()
			sink.Failed(err)
			pause = max(pause, backoff.Next())
		default:
			backoff.Reset()
			if list, err := s.memory.read(time.Now(), records); err != nil {
				sink.Failed(err)
			} else {
				sink.Found(list)
			}
		}
		if !discovery.Sleep(ctx, pause) {
			return
		}
	}
}

// read returns all records of the group by their names.
func (s *Source) read(ctx context.Context) (map[string]Record, error) {
	reply, err := s.options.Store.Do(ctx, "SMEMBERS", s.options.Group.index())
	if err != nil {
		return nil, err
	}
	names, err := texts(reply)
	if err != nil {
		return nil, fmt.Errorf("%s: the key %s is not as steelyard writes it: %w", s.options.Store.Where(), s.options.Group.index(), err)
	}
	if len(names) > mostNames {
		return nil, fmt.Errorf("%s: the key %s holds %d names, at most %d are read: delete it, the servers write it anew", s.options.Store.Where(), s.options.Group.index(), len(names), mostNames)
	}
	records := make(map[string]Record, len(names))
	for len(names) > 0 {
		some := names[:min(len(names), atOnce)]
		names = names[len(some):]
		keys := make([]any, len(some))
		for i, name := range some {
			keys[i] = s.options.Group.entry(string(name))
		}
		reply, err := s.options.Store.Do(ctx, "MGET", keys...)
		if err != nil {
			return nil, err
		}
		values, err := texts(reply)
		if err != nil || len(values) != len(some) {
			return nil, fmt.Errorf("%s: the answer to MGET is not one value for each key", s.options.Store.Where())
		}
		for i, value := range values {
			if value != nil {
				records[string(some[i])] = parse(string(some[i]), value)
			}
		}
	}
	return records, nil
}

// texts are the elements of an answer; nil where there is none.
func texts(reply any) ([][]byte, error) {
	list, is := reply.([]any)
	if !is {
		return nil, fmt.Errorf("it is no list but %T", reply)
	}
	all := make([][]byte, len(list))
	for i, element := range list {
		switch element := element.(type) {
		case nil:
		case []byte:
			all[i] = element
		default:
			return nil, fmt.Errorf("it holds %T", element)
		}
	}
	return all, nil
}
