// What is large and told seldom: documents, beside the pages and never in their way.

package shared

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// DocumentsEvery is how often documents are told and heard.
	DocumentsEvery = 10 * time.Second
	// documentTime is how long a document is kept that nobody writes.
	documentTime = time.Minute
	// mostAsked is how many gateways' documents are read at once.
	mostAsked = 16
)

// Post carries documents. It bounds the time of each call, and the size of what it returns.
type Post interface {
	// Swap gives away our document and returns those of others, as far as it knows them.
	Swap(ctx context.Context, id string, text []byte, others []string) (texts map[string][]byte, err error)
}

// TellDocuments has documents told at once, as something has changed that may not wait.
func (g *Gateway) TellDocuments() {
	select {
	case g.hurry <- struct{}{}:
	default:
	}
}

// carryDocuments tells and hears documents until ctx ends, and tells once more then.
func (g *Gateway) carryDocuments(ctx context.Context) {
	due := time.NewTimer(FactsEvery)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.Background(), Fresh)
			defer cancel()
			g.swapDocuments(last)
			return
		case <-due.C:
		case <-g.hurry:
		}
		g.swapDocuments(ctx)
		due.Reset(DocumentsEvery)
	}
}

// swapDocuments tells our document, and hears those of all who were heard of within a minute.
func (g *Gateway) swapDocuments(ctx context.Context) {
	if !g.Connected() {
		return
	}
	text, others := g.Documents(), g.members.ids()
	for first := true; first || len(others) > 0; first = false {
		some := others[:min(len(others), mostAsked)]
		others = others[len(some):]
		texts, err := g.Post.Swap(ctx, g.id, text, some)
		if err != nil {
			return // it is tried again
		}
		for id, text := range texts {
			if id != g.id && len(text) <= MostPage && slices.Contains(some, id) {
				g.HeardDocument(nameOf(id), text)
			}
		}
	}
}

// ids are those of all who were heard, also of those who are gone since.
func (ms *members) ids() (list []string) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for id := range ms.all {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// Swap implements Post: a key for each gateway, of which no more is read than a page may have.
func (r *Redis) Swap(ctx context.Context, id string, text []byte, others []string) (map[string][]byte, error) {
	commands := [][]any{{"SET", r.key("usage:" + id), text, "PX", documentTime.Milliseconds()}}
	for _, other := range others {
		commands = append(commands, []any{"GETRANGE", r.key("usage:" + other), 0, MostPage})
	}
	answers, err := r.store.Pipe(ctx, commands...)
	if err != nil {
		return nil, fmt.Errorf("tell other gateways of the use by Redis: %w", err)
	}
	if len(answers) != len(commands) {
		return nil, fmt.Errorf("tell other gateways of the use by Redis: %d answers to %d commands", len(answers), len(commands))
	}
	texts := map[string][]byte{}
	for i, other := range others {
		if text, is := answers[1+i].([]byte); is && len(text) > 0 {
			texts[other] = text
		}
	}
	if refused, is := answers[0].(error); is {
		return texts, fmt.Errorf("tell other gateways of the use by Redis: SET: %w", refused)
	}
	return texts, nil
}
