// The source: readings of a group, one after the other.

package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/store"
)

const (
	// UsualInterval is the time from one reading to the next.
	UsualInterval = 2 * time.Second
	// atOnce is how many records are asked for at once.
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
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	records := make(map[string]Record, len(names))
	for len(names) > 0 {
		some := names[:min(len(names), atOnce)]
		names = names[len(some):]
		commands := make([][]any, len(some))
		for i, name := range some {
			commands[i] = part(s.options.Group.entry(string(name)))
		}
		answers, err := s.options.Store.Pipe(ctx, commands...)
		if err != nil {
			return nil, err
		}
		for i, answer := range answers {
			name := string(some[i])
			text, is := answer.([]byte)
			if failed, is := errors.AsType[*store.Error](asError(answer)); is && failed.Kind != store.Refused {
				return nil, failed
			}
			if !is || len(text) > 0 { // what is no text is a record that cannot be read
				records[name] = parse(name, text)
			}
		}
	}
	return records, nil
}

// part reads what a key holds, and no more than shows that it is too long for a record.
func part(key string) []any { return []any{"GETRANGE", key, 0, mostRecord} }

func asError(answer any) error {
	err, _ := answer.(error)
	return err
}

// names are those in the group's set. How many there are is asked first: a set may have any number.
func (s *Source) names(ctx context.Context) ([][]byte, error) {
	index, where := s.options.Group.index(), s.options.Store.Where()
	reply, err := s.options.Store.Do(ctx, "SCARD", index)
	if err != nil {
		return nil, err
	}
	if n, _ := reply.(int64); n > mostNames {
		return nil, fmt.Errorf("%s: the key %s holds %d names, at most %d are read: delete it, the servers write it anew", where, index, n, mostNames)
	}
	if reply, err = s.options.Store.Do(ctx, "SMEMBERS", index); err != nil {
		return nil, err
	}
	names, err := texts(reply)
	if err != nil {
		return nil, fmt.Errorf("%s: the key %s is not as steelyard writes it: %w", where, index, err)
	}
	return names, nil
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
