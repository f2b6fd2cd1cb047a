// What the admin listener's page shows beside the fleet, and who may see it.

package app

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/history"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// token is what operators show to the admin listener, as its file said last.
type token struct {
	text string
	sum  [sha256.Size]byte // of the file
}

// readToken reads the file of a token; "" has none.
func readToken(file string) (t token, err error) {
	if file == "" {
		return t, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return t, fmt.Errorf("read admin.token_file: %w", err)
	}
	if t.text = string(bytes.TrimSpace(content)); t.text == "" {
		return t, fmt.Errorf("read admin.token_file: %s is empty", file)
	}
	t.sum = sha256.Sum256(content)
	return t, nil
}

// openToken reads the token for the first time.
func (a *App) openToken(file string) error {
	t, err := readToken(file)
	if err != nil {
		return err
	}
	a.tokenFile = file
	a.token.Store(&t)
	return nil
}

// renewToken reads the token again, from the file of the start. One that cannot be read leaves the old one in
// force: nobody is let in for a file that has gone.
func (a *App) renewToken() {
	t, err := readToken(a.tokenFile)
	if err != nil {
		a.log.Error("the old admin token stays", zap.Error(err))
		return
	}
	if a.token.Swap(&t).sum != t.sum {
		a.log.Info("the admin token has changed: who has logged in must do so again")
	}
}

func (a *App) tokenChanged() bool {
	t, err := readToken(a.tokenFile)
	return err == nil && t.sum != a.token.Load().sum
}

func (a *App) adminToken() string { return a.token.Load().text }

func (a *App) shownConfig() ([]byte, error) { return a.Config().Shown() }

// remember counts finished requests in the recent past. It is for one goroutine at a time.
func (a *App) remember(rows []usage.Row) {
	list := a.remembered[:0]
	for i := range rows {
		r := &rows[i]
		list = append(list, history.Finished{
			Upstream: r.Upstream, Endpoint: r.Endpoint, Failed: r.Failed(), Response: r.Response, FirstByte: r.FirstByte, Tokens: r.CompletionTokens,
		})
	}
	a.history.Add(time.Now(), list...)
	clear(list) // lets go of the names in them
	a.remembered = list
}

// states is the fleet as the history wants it at each step.
func (f *fleet) states() (list []history.State) {
	for _, u := range f.all() {
		s := u.pool.Snapshot()
		state := history.State{Upstream: u.name, Waiting: u.pool.Queue().Waiting}
		for i := range s.Endpoints {
			e := s.Endpoints[i].Endpoint
			state.Endpoints = append(state.Endpoints, history.EndpointState{Endpoint: e.Name(), InFlight: e.Load().InFlight()})
		}
		list = append(list, state)
	}
	return list
}
