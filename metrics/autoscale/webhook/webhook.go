// Orders as messages, and the count as an answer.

package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/tally"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
)

// attempts is how often a receiver is asked, while the order's deadline has not passed.
const attempts = 5

// Options say whom to ask.
type Options struct {
	Target   notify.Target
	CountURL notify.Secret // "": the count is unknown
	Gateway  string        // who asks; the receiver is told
}

// Actuator asks a receiver. It is an autoscale.Actuator.
type Actuator struct {
	o      Options
	client *http.Client // of the count

	posting sync.Mutex // a poster is for one at a time
	poster  *notify.Poster

	answered autoscale.Settled // taken on or refused
}

// New makes an actuator.
func New(o Options) *Actuator {
	return &Actuator{o: o, poster: notify.NewPoster(o.Target), client: &http.Client{
		Timeout:       o.Target.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// message is an order as the receiver gets it.
type message struct {
	ID       string     `json:"id"`
	Upstream string     `json:"upstream"`
	From     int        `json:"from"`
	To       int        `json:"to"`
	Reason   string     `json:"reason"`
	Victims  []string   `json:"victims"`
	Deadline *time.Time `json:"deadline,omitempty"`
	Gateway  string     `json:"gateway"`
}

// Scale posts the order, until it is taken on or refused, its deadline has passed, or ctx ends.
func (a *Actuator) Scale(ctx context.Context, o autoscale.Order) error {
	a.posting.Lock()
	defer a.posting.Unlock()
	if settled, said := a.answered.Said(o.ID); settled {
		return said
	}
	m := message{ID: o.ID, Upstream: o.Upstream, From: o.From, To: o.To, Reason: o.Reason, Victims: o.Victims, Gateway: a.o.Gateway}
	if m.Victims == nil {
		m.Victims = []string{}
	}
	if !o.Deadline.IsZero() {
		at := o.Deadline.UTC()
		m.Deadline = &at
		limited, cancel := context.WithDeadline(ctx, o.Deadline)
		defer cancel()
		ctx = limited
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write an order: %w", err)
	}
	err = a.poster.Post(ctx, notify.Sending{ID: o.ID, Body: body, Attempts: attempts})
	if refused, is := errors.AsType[*notify.Refused](err); is {
		err = &autoscale.Refused{Reason: "the webhook " + refused.Error()}
		if refused.Status == http.StatusConflict {
			err = &autoscale.Refused{Reason: "the webhook says that the order is out of date (409)"}
		}
	} else if err != nil {
		return fmt.Errorf("ask the webhook: %w", err)
	}
	a.answered.Add(o.ID, err)
	return err
}

// Count asks the second URL.
func (a *Actuator) Count(ctx context.Context) (autoscale.Count, error) {
	address := a.o.CountURL.Reveal()
	if address == "" {
		return autoscale.Count{}, autoscale.ErrUnknown
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return autoscale.Count{}, errors.New("ask for the count: the address is no URL")
	}
	request.Header.Set("User-Agent", "steelyard")
	answer, err := a.client.Do(request)
	if err != nil {
		if wrapped, is := errors.AsType[*url.Error](err); is {
			err = wrapped.Err // its text has the address, which may be secret
		}
		return autoscale.Count{}, fmt.Errorf("ask for the count: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, tally.Most+1))
	switch {
	case err != nil:
		return autoscale.Count{}, fmt.Errorf("ask for the count: %w", err)
	case answer.StatusCode != http.StatusOK:
		return autoscale.Count{}, fmt.Errorf("ask for the count: answered %d", answer.StatusCode)
	}
	return tally.Read(text)
}

// Run has nothing to see to.
func (a *Actuator) Run(context.Context, func()) error { return nil }

// Close lets connections go. What the receiver runs goes on.
func (a *Actuator) Close(context.Context) error {
	a.poster.Close()
	a.client.CloseIdleConnections()
	return nil
}
