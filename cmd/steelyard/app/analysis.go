// Finished requests on their way to all who analyse them.

package app

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// analyseEvery is how often those who analyse look at what they have heard.
const analyseEvery = 10 * time.Second

// analysis hands each finished request to all who want to know of it, off the request path.
type analysis struct {
	queue *usage.Queue
	users *usage.Identifier
	book  *usage.Book // nil: usage is off
	hurry func()      // tells other gateways at once; nil: there are none; set before start

	anomalies *anomalies        // nil: off
	forecast  *forecast.Traffic // nil: off
}

// openAnalysis makes what looks at finished requests, if anything is to. It returns the recorders with its own
// before them: that of the access log is the last, by whose line a request has ended.
func (a *App) openAnalysis(cfg *configs.Config, recorders []proxy.Recorder) []proxy.Recorder {
	n := &analysis{}
	var consumers []func([]usage.Row) // of finished requests, in the order in which these ended, off the request path
	mode, secret := usage.Off, []byte(nil)
	if cfg.Usage.Enabled {
		mode, secret = userMode(cfg.Usage.User), a.usageSecret(cfg)
		n.book = a.openBook(&cfg.Usage, a.usageSharing(cfg, secret))
		consumers = append(consumers, n.book.Add)
	}
	if cfg.Anomalies.Enabled {
		n.anomalies = newAnomalies(a, cfg)
		n.anomalies.adopt(cfg)
		consumers = append(consumers, n.anomalies.detector.AddAll)
	}
	if cfg.Forecast.Enabled {
		n.forecast = newForecast(cfg, n.book)
		consumers = append(consumers, n.forecast.AddAll)
		a.fleet.foretold = foretold(n.forecast)
	}
	if len(consumers) > 0 {
		consumers = append(consumers, a.fleet.answered)
	}
	if cfg.Admin.Address != "" {
		consumers = append(consumers, a.remember)
	}
	if cfg.Optimise != configs.OptimiseOff || len(consumers) > 0 {
		consumers = append(consumers, a.advising.add)
	}
	if len(consumers) == 0 {
		return recorders
	}
	n.queue, n.users = usage.NewQueue(a.metrics.UsageRowDropped, consumers...), usage.NewIdentifier(mode, secret)
	a.analysis, a.fleet.analysed = n, true
	return append([]proxy.Recorder{n}, recorders...)
}

// usageSecret is what users are hashed with: at several gateways by one key, so that a user has one name at all of them.
func (a *App) usageSecret(cfg *configs.Config) []byte {
	if cfg.Shared.On() && cfg.Shared.SecretFile != "" {
		if key, err := os.ReadFile(cfg.Shared.SecretFile); err == nil {
			return derived(bytes.TrimSpace(key), "the names of users")
		} else {
			a.log.Warn("users have other names here than at other gateways: shared.secret_file cannot be read", zap.Error(err))
		}
	}
	secret, err := usage.Secret(cfg.Usage.Dir, func() []byte { return []byte(rand.Text()) })
	if err != nil {
		a.log.Warn("users have other names until the next start: usage.dir cannot keep the secret that they are hashed with", zap.Error(err))
	}
	return secret
}

// derived is a key for one purpose, which says nothing of the key that it is made of.
func derived(key []byte, purpose string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("steelyard: " + purpose))
	return h.Sum(nil)
}

// usageSharing is who this gateway is to others that keep the use; nil where it is alone.
func (a *App) usageSharing(cfg *configs.Config, secret []byte) *usage.Sharing {
	if !cfg.Shared.On() {
		return nil
	}
	names := cfg.Usage.User + " " + hex.EncodeToString(derived(secret, "which secret")[:4])
	return &usage.Sharing{Name: a.fleet.sender.gateway, Begun: time.Now(), Names: names}
}

func (a *App) openBook(c *configs.Usage, sharing *usage.Sharing) *usage.Book {
	return usage.Open(usage.Options{
		Dir: c.Dir, Days: c.Days, MaxBytes: int64(c.MaxBytes), Unwritten: a.metrics.UsageRowsUnwritten, Sharing: sharing,
		Note: func(text string) { a.log.Warn("in usage.dir", zap.String("found", text)) },
		Told: func(cause string, lost int64) {
			e := event.Event{Kind: event.UsageLost, Cause: cause, Action: "they count in memory, and writing is tried again", Evidence: map[string]any{"unwritten": lost}}
			if cause == "" {
				e.Kind, e.Action = event.UsageKept, ""
			}
			a.events.Publish(e)
		},
	})
}

// own says whether the files are this process's to tidy up and to write.
func (a *analysis) own(ours bool) {
	if a == nil {
		return
	}
	if a.book != nil {
		a.book.Own(ours)
	}
	a.anomalies.own(ours)
}

func userMode(word string) usage.Mode {
	switch word {
	case "plain":
		return usage.Plain
	case "off":
		return usage.Off
	}
	return usage.Hashed
}

// start begins the work of an analysis, if there is one.
func (a *analysis) start(g *group) {
	if a == nil {
		return
	}
	kept, end := context.WithCancel(context.Background()) // the book ends after the last row
	g.start("analyse requests", func(ctx context.Context) error {
		defer end()
		return a.queue.Run(ctx)
	})
	if a.book != nil {
		g.start("keep usage", func(context.Context) error { return a.book.Run(kept) })
	}
	if a.anomalies != nil {
		g.start("look for faults", a.anomalies.run)
	}
	if a.forecast != nil {
		g.start("foretell traffic", func(ctx context.Context) error { return every(ctx, analyseEvery, a.forecast.Step) })
	}
}

// Report implements admin.Usage.
func (a *analysis) Report(q usage.Question) (usage.Report, error) {
	report, err := a.book.Report(q)
	report.Dropped = a.queue.Dropped()
	return report, err
}

// Forget implements admin.Usage. Rows of the user that wait to be looked at come first.
func (a *analysis) Forget(id usage.UserID) (rows int, known bool, err error) {
	a.queue.Step()
	rows, known, err = a.book.Forget(id)
	if a.hurry != nil {
		a.hurry()
	}
	return rows, known, err
}

// tell is what other gateways are told of the use.
func (a *analysis) tell() []byte {
	a.queue.Step()
	return a.book.Tell(time.Now())
}

// adopt takes another configuration over.
func (a *analysis) adopt(cfg *configs.Config) {
	if a == nil {
		return
	}
	a.anomalies.adopt(cfg)
	if a.forecast != nil {
		a.forecast.Keep(upstreamNames(cfg))
	}
}

// states are what a scrape shows of faults and forecasts.
func (a *analysis) states() (now metrics.Analysis) {
	if a.anomalies != nil {
		a.anomalies.states(&now)
	}
	if a.forecast != nil {
		forecastStates(a.forecast, &now)
	}
	return now
}

// Record implements proxy.Recorder. Requests that no route leads anywhere are nobody's use of anything.
func (a *analysis) Record(r *proxy.Record) {
	if r.Asked == nil {
		return
	}
	row := usage.Row{
		At: r.At(), Upstream: r.Upstream.Name, Status: r.Result(), Phase: r.Phase.String(), Written: r.Written,
		Queue: r.Queued, FirstByte: r.FirstByte, Response: r.Response, Overhead: r.Overhead, Attempts: r.Attempts, Begun: r.Begun,
	}
	if r.Status == http.StatusSwitchingProtocols { // how long a tunnel stays says nothing
		row.Response = 0
	}
	if r.Failure != nil {
		row.Failure = r.Failure.Code()
	}
	if r.Target != nil {
		row.Endpoint = r.Target.Name
	}
	if t := r.Attempt; t != nil {
		row.Class, row.Service, row.Capacity, row.Slots, row.Work = t.Class.String(), t.Service, t.Capacity, t.Slots, t.Size
		row.PromptTokens, row.CachedTokens, row.CompletionTokens = t.Usage.PromptTokens, t.Usage.CachedTokens, t.Usage.CompletionTokens
	}
	if w := r.Who; w != nil {
		row.User, row.Model = a.users.Of(sources[w.By], w.User), w.Model
		row.PromptBytes, row.MaxTokens, row.Stream, row.PromptHash = w.Features.PromptBytes, w.Features.MaxTokens, w.Features.Stream, w.Body
		row.Retry, row.RetrySaid, row.ClientTimeout = max(w.Retry, 0), w.Retry >= 0, w.Timeout
	}
	a.queue.Add(&row)
}

// sources are what requests are known by, as usage calls it.
var sources = [...]usage.Source{
	proxy.KnownByKey: usage.ByKey, proxy.KnownByName: usage.ByName, proxy.KnownByAddress: usage.ByAddress,
}
