// Pages and leases in Redis.

package shared

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Store is a connection to Redis. Each call is bounded in time.
type Store interface {
	Do(ctx context.Context, command string, args ...any) (any, error)
	// Pipe sends several commands at once; a server's error is one of the answers.
	Pipe(ctx context.Context, commands ...[]any) ([]any, error)
}

// Redis carries pages through two hashes, a field for each gateway, and keeps leases in a key each. All its keys begin
// with steelyard: and the cluster's name in braces. They end by themselves when no gateway writes them any more.
type Redis struct {
	store   Store
	cluster string
}

// NewRedis returns a Redis for the gateways of one cluster.
func NewRedis(s Store, cluster string) *Redis { return &Redis{s, cluster} }

// hashTime is how long a hash lives that nobody writes.
const hashTime = time.Minute

func (r *Redis) key(what string) string { return "steelyard:{" + r.cluster + "}:" + what }

// Exchange implements Transport.
func (r *Redis) Exchange(ctx context.Context, kind Kind, id string, text []byte) (map[string][]byte, error) {
	key := r.key(string(kind))
	answers, err := r.store.Pipe(ctx, []any{"HSET", key, id, text}, []any{"PEXPIRE", key, hashTime.Milliseconds()}, []any{"HGETALL", key})
	if err != nil {
		return nil, fmt.Errorf("tell other gateways by Redis: %w", err)
	}
	if len(answers) != 3 {
		return nil, fmt.Errorf("tell other gateways by Redis: %d answers to 3 commands", len(answers))
	}
	texts, err := pairs(answers[2])
	if err != nil {
		return nil, fmt.Errorf("hear other gateways by Redis: HGETALL %s: %w", key, err)
	}
	if refused, is := answers[0].(error); is {
		return texts, fmt.Errorf("tell other gateways by Redis: HSET %s: %w", key, refused)
	}
	return texts, nil
}

// pairs reads what HGETALL answers.
func pairs(answer any) (map[string][]byte, error) {
	if refused, is := answer.(error); is {
		return nil, refused
	}
	list, is := answer.([]any)
	if !is || len(list)%2 != 0 {
		return nil, errors.New("the answer is no list of pairs")
	}
	texts := map[string][]byte{}
	for i := 0; i < len(list); i += 2 {
		field, fieldIs := list[i].([]byte)
		text, textIs := list[i+1].([]byte)
		if !fieldIs || !textIs {
			return nil, errors.New("the answer is no list of pairs")
		}
		texts[string(field)] = text
	}
	return texts, nil
}

// Leave implements Transport.
func (r *Redis) Leave(ctx context.Context, id string) error {
	_, err := r.store.Do(ctx, "HDEL", r.key(string(Facts)), id)
	return err
}

// Forget implements Transport.
func (r *Redis) Forget(ctx context.Context, id string) {
	_, _ = r.store.Pipe(ctx, []any{"HDEL", r.key(string(Load)), id}, []any{"HDEL", r.key(string(Facts)), id}) // somebody will
}

// keepScript confirms a lease that is ours, and takes one that nobody has. The fence grows with each new holder, also
// where the store has lost it: nobody asks with a lower floor than it has seen.
const keepScript = `local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {holder, redis.call('GET', KEYS[2]) or ARGV[3]}
end
if holder then return {holder, redis.call('GET', KEYS[2]) or ARGV[3]} end
local fence = redis.call('INCR', KEYS[2])
if fence <= tonumber(ARGV[3]) then
  fence = tonumber(ARGV[3]) + 1
  redis.call('SET', KEYS[2], string.format('%.0f', fence))
end
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return {ARGV[1], string.format('%.0f', fence)}`

const dropScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

// Keep implements Keeper, by the store's clock.
func (r *Redis) Keep(ctx context.Context, lease, id string, ttl time.Duration, floor uint64) (string, uint64, error) {
	answer, err := r.store.Do(ctx, "EVAL", keepScript, 2, r.key("lease:"+lease), r.key("fence:"+lease), id, ttl.Milliseconds(), floor)
	if err != nil {
		return "", 0, fmt.Errorf("keep lease %s by Redis: %w", lease, err)
	}
	list, is := answer.([]any)
	if !is || len(list) != 2 {
		return "", 0, fmt.Errorf("keep lease %s by Redis: an answer that is no pair", lease)
	}
	holder, is := list[0].([]byte)
	number, isNumber := list[1].([]byte)
	var fence uint64
	if _, err := fmt.Sscan(string(number), &fence); !is || !isNumber || err != nil {
		return "", 0, fmt.Errorf("keep lease %s by Redis: an answer that is no name and number", lease)
	}
	return string(holder), fence, nil
}

// Drop implements Keeper.
func (r *Redis) Drop(ctx context.Context, lease, id string) error {
	_, err := r.store.Do(ctx, "EVAL", dropScript, 1, r.key("lease:"+lease), id)
	return err
}
