package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const address = "https://hooks.test/T000/secret-path"

// aKey is 24 bytes, as Standard Webhooks asks for at least.
var aKey = NewSecret("0123456789abcdef01234567")

// got is one attempt as the receiver's server saw it.
type got struct {
	at     time.Time
	header http.Header
	body   []byte
}

// server answers in virtual time, without sockets.
type server struct {
	mu     sync.Mutex // guards got
	got    []got
	answer func(n int, r *http.Request) (*http.Response, error) // n from 0
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.got = append(s.got, got{time.Now(), r.Header, body})
	n := len(s.got) - 1
	s.mu.Unlock()
	return s.answer(n, r)
}

func (s *server) seen() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]got(nil), s.got...)
}

func status(code int, headers ...string) *http.Response {
	r := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("thanks"))}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func always(code int, headers ...string) func(int, *http.Request) (*http.Response, error) {
	return func(int, *http.Request) (*http.Response, error) { return status(code, headers...), nil }
}

// hangs answers nothing until it is given up.
func hangs(_ int, r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// receiving runs a receiver in a bubble, and is called with the log and what its server sees.
func receiving(t *testing.T, answer func(int, *http.Request) (*http.Response, error), test func(log *event.Log, r *Receiver, s *server)) {
	synctest.Test(t, func(t *testing.T) {
		log := event.NewLog(nil)
		s := &server{answer: answer}
		r := NewReceiver(Options{
			Name: "pager", Events: log, Gateway: "gw1", Boot: "boot",
			Target: Target{URL: NewSecret(address), Keys: []Secret{aKey}, Timeout: 10 * time.Second},
		})
		r.poster.http.Transport = stayer{s}
		go func() { _ = r.Run(t.Context()) }()
		test(log, r, s)
	})
}

func kinds(log *event.Log) (list []string) {
	events, _ := log.Since(0)
	for _, e := range events {
		list = append(list, e.Kind.String())
	}
	return list
}

func TestAMessageIsSigned(t *testing.T) {
	receiving(t, always(204), func(log *event.Log, r *Receiver, s *server) {
		log.Publish(event.Event{Kind: event.Ejected, Upstream: "chat", Endpoint: "small", Cause: "3 failures in a row"})
		synctest.Wait()
		require.Len(t, s.seen(), 1)
		m := s.seen()[0]
		id, at := m.header.Get("Webhook-Id"), m.header.Get("Webhook-Timestamp")
		assert.Equal(t, fmt.Sprintf("boot-%d", log.Newest()), id)
		assert.Equal(t, fmt.Sprint(time.Now().Unix()), at)
		mac := hmac.New(sha256.New, []byte("0123456789abcdef01234567"))
		mac.Write([]byte(id + "." + at + "." + string(m.body)))
		assert.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), m.header.Get("Webhook-Signature"))

		var body struct {
			Type, Timestamp, Gateway string
			Data                     map[string]any
		}
		require.NoError(t, json.Unmarshal(m.body, &body))
		assert.Equal(t, "steelyard.ejected", body.Type)
		assert.Equal(t, "gw1", body.Gateway)
		assert.Equal(t, "small", body.Data["endpoint"])
		assert.Equal(t, Stats{Receiver: "pager", Attempts: 1, Delivered: 1}, r.Stats())
	})
}

// TestTheSignatureIsTheOneOfTheStandard: the example of the specification.
func TestTheSignatureIsTheOneOfTheStandard(t *testing.T) {
	keys, err := ReadKeys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\n  another key of ours, as plain text \n")
	require.NoError(t, err)
	require.Len(t, keys, 2)
	header := http.Header{}
	sign(header, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), keys)
	first, second, _ := strings.Cut(header.Get("Webhook-Signature"), " ")
	assert.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", first)
	assert.True(t, strings.HasPrefix(second, "v1,"))
	_, err = ReadKeys("whsec_no base64!")
	assert.ErrorContains(t, err, "base64")
}

// TestAFailedMessageIsTriedAgain with the same id, and signed anew.
func TestAFailedMessageIsTriedAgain(t *testing.T) {
	answers := []int{500, 503, 429, 408, 200}
	receiving(t, func(n int, _ *http.Request) (*http.Response, error) { return status(answers[min(n, 4)]), nil },
		func(log *event.Log, r *Receiver, s *server) {
			log.Publish(event.Event{Kind: event.Ejected})
			log.Publish(event.Event{Kind: event.Restored})
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			seen := s.seen()
			require.Len(t, seen, 6)
			for i, m := range seen[:5] {
				assert.Equal(t, seen[0].header.Get("Webhook-Id"), m.header.Get("Webhook-Id"))
				assert.Equal(t, fmt.Sprint(m.at.Unix()), m.header.Get("Webhook-Timestamp"))
				if i > 0 {
					pause := m.at.Sub(seen[i-1].at)
					assert.GreaterOrEqual(t, pause, leastPause/2)
					assert.LessOrEqual(t, pause, leastPause<<i)
				}
			}
			assert.Contains(t, string(seen[5].body), "restored", "in order")
			assert.Equal(t, Stats{Receiver: "pager", Attempts: 6, Failed: 4, Delivered: 2}, r.Stats())
			assert.Equal(t, []string{"ejected", "restored", "webhook_failing", "webhook_back"}, kinds(log), "told once each, and not to the receiver")
		})
}

// TestARefusedMessageIsNotTriedAgain: a redirect would lead a signed message astray.
func TestARefusedMessageIsNotTriedAgain(t *testing.T) {
	for _, code := range []int{301, 302, 307, 308, 400, 401, 403, 404, 422, 501} {
		receiving(t, always(code, "Location", "https://elsewhere.test/"), func(log *event.Log, r *Receiver, s *server) {
			log.Publish(event.Event{Kind: event.Ejected})
			log.Publish(event.Event{Kind: event.Restored})
			time.Sleep(2 * time.Hour)
			assert.Equal(t, Stats{Receiver: "pager", Attempts: 2, Failed: 2, Refused: 2}, r.Stats(), code)
			assert.ElementsMatch(t, []string{"ejected", "restored", "webhook_failing"}, kinds(log))
		})
	}
}

func TestAReceiverThatIsGoneGetsNoMore(t *testing.T) {
	receiving(t, always(410), func(log *event.Log, r *Receiver, s *server) {
		for range 5 {
			log.Publish(event.Event{Kind: event.Ejected})
			time.Sleep(time.Minute)
		}
		assert.Equal(t, Stats{Receiver: "pager", Attempts: 1, Failed: 1, Refused: 1, Dropped: 4}, r.Stats())
	})
}

// TestAReceiverMayLieAboutWhenToComeBack: never at once, and never so late that nobody is told.
func TestAReceiverMayLieAboutWhenToComeBack(t *testing.T) {
	for text, want := range map[string][2]time.Duration{
		"0":                             {leastPause, leastPause},
		"30":                            {30 * time.Second, 30 * time.Second},
		"4294967295":                    {mostRetryAfter, mostRetryAfter},
		"Fri, 31 Dec 9999 23:59:59 GMT": {mostRetryAfter, mostRetryAfter},
		"Sat, 01 Jan 2000 00:00:00 GMT": {leastPause, leastPause},
		"-1":                            {leastPause / 2, leastPause},
		"99999999999999999999":          {leastPause / 2, leastPause},
		"soon":                          {leastPause / 2, leastPause},
	} {
		receiving(t, always(503, "Retry-After", text), func(log *event.Log, r *Receiver, s *server) {
			log.Publish(event.Event{Kind: event.Ejected})
			time.Sleep(10 * time.Minute)
			seen := s.seen()
			require.Greater(t, len(seen), 1, text)
			pause := seen[1].at.Sub(seen[0].at)
			assert.GreaterOrEqual(t, pause, want[0], text)
			assert.LessOrEqual(t, pause, want[1], text)
		})
	}
}

// TestAReceiverThatHangsHarmsNothing: its queue stays bounded, the newest stay in it, and what is
// an hour old is let go.
func TestAReceiverThatHangsHarmsNothing(t *testing.T) {
	receiving(t, hangs, func(log *event.Log, r *Receiver, s *server) {
		for range 3 * mostWaiting {
			log.Publish(event.Event{Kind: event.Ejected})
			synctest.Wait() // the follower keeps up
		}
		stats := r.Stats()
		assert.Equal(t, mostWaiting, stats.Waiting)
		assert.EqualValues(t, 2*mostWaiting-1, stats.Dropped, "one is under way")
		time.Sleep(time.Minute)
		seen := s.seen()
		require.Greater(t, len(seen), 2)
		assert.GreaterOrEqual(t, seen[1].at.Sub(seen[0].at), 10*time.Second, "the time-out of an attempt")
		time.Sleep(2 * tooOld)
		synctest.Wait()
		stats = r.Stats()
		assert.Zero(t, stats.Waiting)
		assert.EqualValues(t, mostWaiting+1, stats.Outdated)
		assert.Equal(t, uint64(1), log.Published(event.WebhookFailing))
	})
}

func TestOnlyWhatIsWantedIsTold(t *testing.T) {
	receiving(t, always(200), func(log *event.Log, r *Receiver, s *server) {
		r.Takes = func(e event.Event) bool { return e.Kind.Severity() >= event.Warning }
		for _, k := range event.Kinds() {
			log.Publish(event.Event{Kind: k})
		}
		synctest.Wait()
		var want, told []string
		for _, k := range event.Kinds() {
			if k.Severity() >= event.Warning && k != event.WebhookFailing {
				want = append(want, "steelyard."+k.String())
			}
		}
		for _, m := range s.seen() {
			var body struct{ Type string }
			require.NoError(t, json.Unmarshal(m.body, &body))
			told = append(told, body.Type)
		}
		assert.Equal(t, want, told)
	})
}

// TestTheEndTellsWhatWaits, for a bounded moment.
func TestTheEndTellsWhatWaits(t *testing.T) {
	for _, c := range []struct {
		what   string
		answer func(int, *http.Request) (*http.Response, error)
		want   Stats
		within time.Duration
	}{
		{"takes them", func(n int, r *http.Request) (*http.Response, error) {
			if n == 0 {
				return hangs(n, r)
			}
			return status(200), nil
		}, Stats{Attempts: 3, Delivered: 3}, time.Second},
		{"hangs", hangs, Stats{Dropped: 3}, flushTime + time.Second},
		{"fails", always(500), Stats{Attempts: 4, Failed: 4, Dropped: 3}, time.Second},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := event.NewLog(nil)
				r := NewReceiver(Options{Name: "pager", Events: log, Target: Target{URL: NewSecret(address), Timeout: 10 * time.Second}})
				r.poster.http.Transport = stayer{&server{answer: c.answer}}
				stopped := make(chan struct{})
				ended := make(chan time.Time, 1)
				go func() {
					_ = r.Run(contextUntil(t, stopped))
					ended <- time.Now()
				}()
				for range 3 {
					log.Publish(event.Event{Kind: event.Ejected})
				}
				synctest.Wait()
				began := time.Now()
				close(stopped)
				assert.LessOrEqual(t, (<-ended).Sub(began), c.within)
				c.want.Receiver = "pager"
				assert.Equal(t, c.want, r.Stats())
				assert.Equal(t, c.want.Dropped > 0, log.Published(event.WebhookFailing) == 1, "what is lost is told once")
			})
		})
	}
}

// TestNoErrorShowsTheAddress, nor does anything that prints a receiver.
func TestNoErrorShowsTheAddress(t *testing.T) {
	receiving(t, func(_ int, r *http.Request) (*http.Response, error) {
		return nil, errors.New("lookup hooks.test: no such host")
	},
		func(log *event.Log, r *Receiver, s *server) {
			log.Publish(event.Event{Kind: event.Ejected})
			time.Sleep(time.Minute)
			events, _ := log.Since(0)
			text, err := json.Marshal(events)
			require.NoError(t, err)
			assert.Contains(t, string(text), "no such host")
			asJSON, err := json.Marshal(r.Target)
			require.NoError(t, err)
			for _, shown := range []string{string(text), string(asJSON), fmt.Sprintf("%v %+v %#v %s", r.Target, r.Target, r.Target, r.Target), fmt.Sprintf("%+v %#v", r.poster, *r.poster)} {
				assert.NotContains(t, shown, "secret-path")
				assert.NotContains(t, shown, "0123456789abcdef")
			}
		})
}
