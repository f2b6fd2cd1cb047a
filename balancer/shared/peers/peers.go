// Pages from gateway to gateway, over HTTP.

package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

// mostPeers is more gateways than anybody has.
const mostPeers = 1000

// usageTime is how long another gateway may take to answer with what it knows of use.
const usageTime = 2 * time.Second

// Path is where a gateway takes pages, before the kind.
const Path = "/api/v1/gateways/"

// Options say who the other gateways are.
type Options struct {
	Addresses []string // as http://host:port; this gateway may be among them
	Key       []byte   // by which gateways know each other
	Timeout   time.Duration
}

// Peers carries pages by telling each other gateway, which answers with its own: so two who hear each other do so both
// ways. It is also the handler of what others tell. All pages are signed.
type Peers struct {
	o      Options
	client *http.Client

	mu    sync.Mutex // guards what follows
	id    string     // ours; "" before the first Exchange
	own   map[shared.Kind][]byte
	heard map[shared.Kind]map[string]letter // by identity
	peers map[string]*peerState             // by address
}

// letter is what a gateway has told.
type letter struct {
	text []byte
	sent int64 // by the clock of its sender: it grows
	at   time.Time
}

type peerState struct {
	shared.Breaker
	self bool // it is we
}

// New returns Peers that know nothing yet.
func New(o Options) *Peers {
	p := &Peers{o: o, own: map[shared.Kind][]byte{}, heard: map[shared.Kind]map[string]letter{shared.Load: {}, shared.Facts: {}, shared.Usage: {}}, peers: map[string]*peerState{}}
	p.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, address := range o.Addresses {
		p.peers[address] = &peerState{}
	}
	return p
}

// Count is how many gateways there are by configuration, this one included. As long as it has not found itself among them that
// is one more, which asks for more votes, and never for too few.
func (p *Peers) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.peers {
		if s.self {
			return len(p.peers)
		}
	}
	return len(p.peers) + 1
}

// Exchange implements Transport. It fails where no other gateway answers.
func (p *Peers) Exchange(ctx context.Context, kind shared.Kind, id string, text []byte) (map[string][]byte, error) {
	patience := p.o.Timeout
	if kind == shared.Usage {
		patience = max(patience, usageTime)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type answer struct {
		address string
		err     error
	}
	var asked []string
	p.mu.Lock()
	p.id, p.own[kind] = id, text
	now := time.Now()
	for address, s := range p.peers {
		if !s.self && s.Allows(now) {
			asked = append(asked, address)
		}
	}
	p.mu.Unlock()
	answers := make(chan answer, len(asked))
	for _, address := range asked {
		go func() { answers <- answer{address, p.tell(ctx, address, kind, id, text)} }()
	}
	reached, failure := 0, error(nil)
	for range asked {
		a := <-answers
		p.mu.Lock()
		if kind != shared.Usage || a.err == nil { // that is seldom, and large: it says nothing of whether the other is there
			p.peers[a.address].Settle(a.err != nil, time.Now())
		}
		self := p.peers[a.address].self
		p.mu.Unlock()
		switch {
		case self:
		case a.err == nil:
			reached++
		default:
			failure = a.err
		}
	}
	texts := p.letters(kind)
	if reached == 0 && len(texts) == 0 {
		if failure == nil {
			failure = errors.New("no other gateway answers, and each is left alone for a while")
			if len(p.o.Addresses) == 1 && p.Count() == 1 {
				failure = errors.New("shared.peers names no gateway but this one")
			}
		}
		return nil, failure
	}
	return texts, nil
}

// Swap implements shared.Post.
func (p *Peers) Swap(ctx context.Context, id string, text []byte, _ []string) (map[string][]byte, error) {
	return p.Exchange(ctx, shared.Usage, id, text)
}

// letters are those that are not too old.
func (p *Peers) letters(kind shared.Kind) map[string][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.heard[kind], func(_ string, l letter) bool {
		return time.Since(l.at) > shared.Fresh && kind == shared.Load || time.Since(l.at) > 10*shared.FactsEvery && kind == shared.Facts ||
			time.Since(l.at) > 3*shared.DocumentsEvery
	})
	texts := map[string][]byte{}
	for id, l := range p.heard[kind] {
		texts[id] = l.text
	}
	return texts
}

// tell tells one gateway our page, and takes its own.
func (p *Peers) tell(ctx context.Context, address string, kind shared.Kind, id string, text []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(address, "/")+Path+string(kind), bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("tell gateway %s: %w", address, err)
	}
	asked := envelope{kind: kind, id: id, sent: time.Now().UnixNano()}
	asked.seal(r.Header, p.o.Key, text)
	answer, err := p.client.Do(r)
	if err != nil {
		return fmt.Errorf("tell gateway %s: %w", address, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, shared.MostPage+1))
	switch {
	case err != nil:
		return fmt.Errorf("hear gateway %s: %w", address, err)
	case answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent:
		return fmt.Errorf("tell gateway %s: it answers %s: %s", address, answer.Status, bytes.TrimSpace(body[:min(len(body), 200)]))
	}
	theirs, err := open(answer.Header, kind, p.o.Key, body, asked.sent)
	if err != nil {
		return fmt.Errorf("hear gateway %s: %w", address, err)
	}
	if theirs.id == id {
		p.mu.Lock()
		p.peers[address].self = true
		p.mu.Unlock()
		return nil
	}
	if len(body) > 0 {
		p.take(theirs, body)
	}
	return nil
}

// take notes what a gateway has told, unless it is older than what it told before.
func (p *Peers) take(e envelope, text []byte) (newer bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.sent <= p.heard[e.kind][e.id].sent || len(p.heard[e.kind]) >= mostPeers {
		return false
	}
	p.heard[e.kind][e.id] = letter{text, e.sent, time.Now()}
	return true
}

// ServeHTTP takes what another gateway tells, and answers with ours.
func (p *Peers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := shared.Kind(strings.TrimPrefix(r.URL.Path, Path))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, shared.MostPage))
	if err != nil || p.heard[kind] == nil {
		http.Error(w, "a page of a gateway has 1 MiB at most, and is of kind load, facts or usage", http.StatusBadRequest)
		return
	}
	e, err := open(r.Header, kind, p.o.Key, body, 0)
	if err == nil && time.Since(time.Unix(0, e.sent)).Abs() > mostApart {
		err = errors.New("its time is minutes off ours: set the clocks of both machines")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	p.mu.Lock()
	self, id, own := e.id == p.id, p.id, p.own[kind]
	p.mu.Unlock()
	if !self {
		p.take(e, body)
	}
	answer := envelope{kind: kind, id: id, sent: time.Now().UnixNano(), to: e.sent}
	answer.seal(w.Header(), p.o.Key, own)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(own)
}

// Leave implements Transport: the last page has said it all.
func (p *Peers) Leave(context.Context, string) error { return nil }

// Forget implements Transport.
func (p *Peers) Forget(_ context.Context, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.heard[shared.Facts], id)
}
