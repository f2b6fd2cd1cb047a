// What an upstream keeps of its retries, and what it tells of them.

package app

import (
	"fmt"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// retries are those of one upstream. Reloads do not touch them.
type retries struct {
	upstream string
	events   *event.Log
	budget   *retry.Budget
	suspects *retry.Suspects
	hedges   *retry.Budget
	delays   *retry.Delays
}

func newRetries(upstream string, events *event.Log) retries {
	return retries{
		upstream: upstream, events: events,
		budget: new(retry.Budget), suspects: new(retry.Suspects), hedges: new(retry.Budget), delays: new(retry.Delays),
	}
}

// poisoned tells of a body that two endpoints broke off over.
func (y retries) poisoned(p retry.Poison, requestID string) {
	y.events.Publish(event.Event{
		Kind: event.Poisoned, Upstream: y.upstream, Cause: "two endpoints broke off over it, one after the other",
		Action: fmt.Sprintf("the same body gets 502 for %v", retry.Refused),
		Evidence: map[string]any{
			"request_id": requestID, "body_bytes": p.Size, "body_hash": fmt.Sprintf("%016x", p.Hash),
			"first_endpoint": p.Endpoints[0], "second_endpoint": p.Endpoints[1],
		},
	})
}

// spent tells that the budget of retries is spent.
func (y retries) spent(requests, retried, failed int64) {
	y.events.Publish(event.Event{
		Kind: event.RetryBudgetSpent, Upstream: y.upstream, Cause: "more requests fail than retry.budget_ratio allows for",
		Action:   "failed requests get the failure at once",
		Evidence: map[string]any{"requests": requests, "retries": retried, "failed_retries": failed},
	})
}

// hedge is what the configuration says of hedges.
func (y retries) hedge(c *configs.Hedge) retry.Hedge {
	h := retry.Hedge{After: c.After.Fixed, Ratio: c.BudgetRatio, Budget: y.hedges}
	if c.After.P95 {
		h.Delays = y.delays
	}
	return h
}

// retryPolicy is what the configuration says of retries.
func retryPolicy(c *configs.Retry) retry.Policy {
	p := retry.Policy{
		Attempts: c.Attempts, Ratio: c.BudgetRatio, Backoff: c.Backoff, MaxBackoff: c.MaxBackoff, Within: c.Within,
		Idempotent: map[configs.Idempotent]retry.Idempotence{"true": retry.All, "false": retry.ByMethod}[c.Idempotent], // auto: KnownPaths
	}
	for _, s := range c.Statuses {
		p.Statuses.Add(s.From, s.To)
	}
	return p
}
