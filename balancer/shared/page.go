// What one gateway tells the others, and reading what they tell.

package shared

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// form is the version of a page. Pages of another are left out.
const form = 1

// Bounds of what is believed of a page.
const (
	MostPage    = 1 << 20 // bytes
	mostServers = 20_000  // servers of one page
	mostName    = 128     // bytes
	mostLeases  = 16      // leases of one page
)

// page is what a gateway tells each time: what it has in flight.
type page struct {
	Form    int               `json:"form"`
	Name    string            `json:"name"`
	Epoch   int64             `json:"epoch"` // when the process began, in nanoseconds: the later of one name is the one that runs
	Seq     uint64            `json:"seq"`   // grows with each page
	Load    map[string]int64  `json:"load,omitempty"`
	Under   int64             `json:"under"`             // requests under way, those that wait included
	Waits   map[string]int64  `json:"waits,omitempty"`   // by upstream: requests that wait for a slot
	Starves map[string]int64  `json:"starves,omitempty"` // by server: for how many milliseconds its requests have starved there
	Leases  []claim           `json:"leases,omitempty"`  // that it holds
	Fence   uint64            `json:"fence,omitempty"`   // the highest that it has seen
	Votes   map[string]string `json:"votes,omitempty"`   // by lease: of whom it says that it may have it, where no store does
	Leaves  bool              `json:"leaving,omitempty"` // it has ended: what it says holds no longer
}

// claim is that a gateway holds a lease.
type claim struct {
	Name  string `json:"name"`
	Fence uint64 `json:"fence"`
}

// readPage reads what another gateway tells. What nobody could mean is refused.
func readPage(text []byte) (*page, error) {
	if len(text) > MostPage {
		return nil, fmt.Errorf("read a page: it has %d bytes, and may have %d", len(text), MostPage)
	}
	var p page
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	switch {
	case p.Form != form:
		return nil, fmt.Errorf("read a page: it has form %d, and this program reads form %d", p.Form, form)
	case p.Name == "" || len(p.Name) > mostName || strings.ContainsFunc(p.Name, func(c rune) bool { return c < ' ' }):
		return nil, errors.New("read a page: it has no name of a gateway")
	case len(p.Load) > mostServers || len(p.Starves) > mostServers || len(p.Leases) > mostLeases:
		return nil, errors.New("read a page: it has too many entries")
	}
	return &p, nil
}

// id tells two processes of one name apart.
func (p *page) id() string { return identity(p.Name, p.Epoch) }

func identity(name string, epoch int64) string { return fmt.Sprintf("%s@%d", name, epoch) }
