// Webhooks: the body is that of Alertmanager's, version 4, and signed as Standard Webhooks asks for.

package channel

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
)

// mostAlerts is how many alerts a message has; how many more there are is said in it.
const mostAlerts = 100

// Body is the version 4 of Alertmanager's webhooks.
type Body struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
	Status            string            `json:"status"` // firing or resolved
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            []BodyAlert       `json:"alerts"`
}

// BodyAlert is one alert of it.
type BodyAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"` // the year 1 while it fires
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// bodyOf is a message as a webhook's body.
func bodyOf(m *dispatch.Message) *Body {
	b := &Body{
		Version: "4", Status: m.Status(), Receiver: m.Receiver,
		GroupLabels: map[string]string{"alertname": cut(m.Name, mostLabel)},
		GroupKey:    fmt.Sprintf("{}:{alertname=%q}", m.Name),
	}
	if m.Upstream != "" {
		b.GroupLabels["upstream"] = cut(m.Upstream, mostLabel)
		b.GroupKey = fmt.Sprintf("{}:{alertname=%q, upstream=%q}", m.Name, m.Upstream)
	}
	add := func(status string, list []alert.Alert) {
		for i := range list {
			if len(b.Alerts) == mostAlerts {
				b.TruncatedAlerts++
				continue
			}
			a := &list[i]
			shown := BodyAlert{Status: status, Labels: labels(a, m.Gateway), Annotations: annotations(a), StartsAt: stamp(a.StartsAt), Fingerprint: a.Fingerprint()}
			if status == dispatch.StatusResolved {
				shown.EndsAt = stamp(a.EndsAt)
			}
			b.Alerts = append(b.Alerts, shown)
		}
	}
	add(dispatch.StatusFiring, m.Firing)
	add(dispatch.StatusResolved, m.Resolved)
	b.CommonLabels = common(b.Alerts, func(a *BodyAlert) map[string]string { return a.Labels })
	b.CommonAnnotations = common(b.Alerts, func(a *BodyAlert) map[string]string { return a.Annotations })
	return b
}

// common is what all have alike.
func common(list []BodyAlert, of func(*BodyAlert) map[string]string) map[string]string {
	same := map[string]string{}
	if len(list) == 0 {
		return same
	}
	for name, value := range of(&list[0]) {
		same[name] = value
	}
	for i := range list {
		for name, value := range same {
			if other, has := of(&list[i])[name]; !has || other != value {
				delete(same, name)
			}
		}
	}
	return same
}

// Webhook posts messages to one address.
type Webhook struct{ poster *notify.Poster }

// NewWebhook makes one. With keys in the target messages are signed by each.
func NewWebhook(t notify.Target) *Webhook { return &Webhook{notify.NewPoster(t)} }

// Send implements dispatch.Channel.
func (w *Webhook) Send(ctx context.Context, m *dispatch.Message, wanted func() bool, attempted func(error)) error {
	body, err := json.Marshal(bodyOf(m))
	if err != nil {
		return &dispatch.Final{Err: fmt.Errorf("write message: %w", err)}
	}
	return post(ctx, w.poster, m.ID, body, wanted, attempted)
}

// Close implements dispatch.Channel.
func (w *Webhook) Close() { w.poster.Close() }
