// Registering one server, by whoever runs beside it.

package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/store"
)

// indexLife is for how long the set of names is kept when nobody registers any more.
const indexLife = 24 * time.Hour

// Registrar keeps the record of one server. Its methods are not for concurrent use.
type Registrar struct {
	store  *store.Client
	group  Group
	record Record
}

// Taken says that another one registers a server by the same name, at another address.
type Taken struct{ Name, URL string }

func (t *Taken) Error() string {
	return fmt.Sprintf("the name %s is taken: somebody else registers %s by it; give another name, or wait until that one is gone", t.Name, t.URL)
}

// NewRegistrar returns one that has registered nothing. CheckRecord has found nothing wrong with the record.
func NewRegistrar(c *store.Client, g Group, r Record, ttl time.Duration) *Registrar {
	r.Owner, r.TTLMillis = rand.Text(), ttl.Milliseconds()
	return &Registrar{store: c, group: g, record: r}
}

// TTL is how long the record lives that is not renewed.
func (r *Registrar) TTL() time.Duration { return time.Duration(r.record.TTLMillis) * time.Millisecond }

// Announce writes the record, or renews it. It returns a *Taken where another one has the name.
func (r *Registrar) Announce(ctx context.Context, departing bool) error {
	for {
		done, err := r.announce(ctx, departing)
		if done || err != nil {
			return err
		}
	}
}

// announce is not done where somebody else has written the record meanwhile: then it is looked at once more.
func (r *Registrar) announce(ctx context.Context, departing bool) (done bool, err error) {
	key := r.group.entry(r.record.Name)
	there, is, err := r.there(ctx)
	if err != nil {
		return false, err
	}
	if is {
		if other := parse(r.record.Name, there); other.Owner != r.record.Owner && other.URL != r.record.URL && !other.Departing {
			return false, &Taken{Name: r.record.Name, URL: other.URL}
		}
	}
	mine := r.record
	mine.Departing = departing
	write := []any{"SET", key, mine.text(), "PX", mine.TTLMillis}
	if !is {
		write = append(write, "NX") // whoever comes first has it
	}
	replies, err := r.store.Pipe(ctx, write,
		[]any{"SADD", r.group.index(), r.record.Name}, []any{"PEXPIRE", r.group.index(), indexLife.Milliseconds()})
	if err != nil {
		return false, err
	}
	for _, reply := range replies {
		if err, is := reply.(error); is {
			return false, err
		}
	}
	return replies[0] != nil, nil
}

// there is what the record's key holds, and whether there is anything.
func (r *Registrar) there(ctx context.Context) (text []byte, is bool, err error) {
	key := r.group.entry(r.record.Name)
	replies, err := r.store.Pipe(ctx, []any{"EXISTS", key}, part(key))
	if err != nil {
		return nil, false, err
	}
	for _, reply := range replies {
		if err := asError(reply); err != nil {
			return nil, false, err
		}
	}
	n, _ := replies[0].(int64)
	text, _ = replies[1].([]byte)
	return text, n > 0, nil
}

// Leave removes the record, if it is ours. Those who read it have had time to see that it departs.
func (r *Registrar) Leave(ctx context.Context) error {
	there, is, err := r.there(ctx)
	if err != nil || !is || parse(r.record.Name, there).Owner != r.record.Owner {
		return err
	}
	_, err = r.store.Do(ctx, "DEL", r.group.entry(r.record.Name))
	return err
}

// Tidy removes the names of servers that are long gone from the group's set. One of them that comes back adds itself.
func (r *Registrar) Tidy(ctx context.Context) error {
	source := Source{options: Options{Store: r.store, Group: r.group}}
	names, err := source.names(ctx)
	if err != nil {
		return err
	}
	records, err := source.read(ctx)
	if err != nil {
		return err
	}
	command := []any{r.group.index()}
	for _, name := range names {
		if _, there := records[string(name)]; !there {
			command = append(command, name)
		}
	}
	if len(command) == 1 {
		return nil
	}
	_, err = r.store.Do(ctx, "SREM", command...)
	return err
}
