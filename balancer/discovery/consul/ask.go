// One query and its answer.

package consul

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// mostBytes bounds an answer: an instance takes one to three thousand.
const mostBytes = 32 << 20

// ask sends one query, which blocks if an index is known, and returns the list.
func (s *Source) ask(ctx context.Context) (discovery.List, error) {
	limit, address := patience, s.base
	if s.index > 0 {
		// Consul adds up to a sixteenth, so that not all come at once.
		limit += s.options.Wait + s.options.Wait/16
		address += "&index=" + strconv.FormatUint(s.index, 10) + "&wait=" + strconv.FormatInt(s.options.Wait.Milliseconds(), 10) + "ms"
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return discovery.List{}, fmt.Errorf("consul cannot be asked: %w", err)
	}
	request.Header.Set("User-Agent", "steelyard")
	if s.options.TokenFile != "" {
		token, err := os.ReadFile(s.options.TokenFile)
		if err != nil {
			return discovery.List{}, fmt.Errorf("the token cannot be read: %w", err)
		}
		request.Header.Set("X-Consul-Token", strings.TrimSpace(string(token)))
	}
	response, err := s.client.Do(request)
	if err != nil {
		return discovery.List{}, fmt.Errorf("consul at %s cannot be asked: %s", s.options.URL, cause(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBytes+1))
	switch {
	case err != nil:
		return discovery.List{}, fmt.Errorf("the answer of Consul at %s broke off: %s", s.options.URL, cause(err))
	case len(body) > mostBytes:
		return discovery.List{}, fmt.Errorf("the answer of Consul at %s has more than %d bytes: give a tag, or check the service", s.options.URL, mostBytes)
	case response.StatusCode != http.StatusOK:
		return discovery.List{}, s.refused(response.StatusCode, body)
	}
	list, err := s.read(body)
	if err != nil {
		return discovery.List{}, err
	}
	s.index = next(s.index, response.Header.Get("X-Consul-Index"))
	list.Version = "index " + response.Header.Get("X-Consul-Index")
	return list, nil
}

// next is the index for the next query. One that went back is that of another history: the next query must not wait for
// a number that may never come. 0 in an answer is a fault of Consul's that would make each query return at once.
func next(last uint64, said string) uint64 {
	index, err := strconv.ParseUint(said, 10, 64)
	switch {
	case err != nil || index == 0:
		return 1
	case index < last:
		return 0
	}
	return index
}

// refused is the error of a status that is not 200.
func (s *Source) refused(status int, body []byte) error {
	said := string(bytes.TrimSpace(body))
	if len(said) > 200 {
		said = said[:200] + "..."
	}
	remedy := ""
	switch status {
	case http.StatusForbidden, http.StatusUnauthorized:
		remedy = "; give a token_file whose token may read the service and its nodes (service:read, node:read)"
	case http.StatusInternalServerError:
		remedy = "; Consul may have no leader"
	case http.StatusBadRequest, http.StatusNotFound:
		remedy = "; check datacenter, namespace and url"
	}
	return fmt.Errorf("consul at %s answered %d %q%s", s.options.URL, status, said, remedy)
}

// instance is what is read of one entry.
type instance struct {
	Node struct {
		Node, Address string
	}
	Service struct {
		ID, Address string
		Port        int
		Tags        []string
		Meta        map[string]string
		Weights     struct{ Passing int }
	}
}

func (s *Source) read(body []byte) (discovery.List, error) {
	var all []instance
	if err := json.Unmarshal(body, &all); err != nil || all == nil {
		return discovery.List{}, fmt.Errorf("the answer of Consul at %s is no list of instances: is something else there?", s.options.URL)
	}
	weighted := false
	for i := range all {
		weighted = weighted || all[i].Service.Weights.Passing > 1
	}
	list := discovery.List{Endpoints: make([]discovery.Endpoint, 0, len(all))}
	for i := range all {
		list.Endpoints = append(list.Endpoints, s.endpoint(&all[i], weighted))
	}
	return list, nil
}

// cause is an error of the client without the address, which stands before it.
func cause(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "it did not answer in time"
	}
	if _, is := errors.AsType[*tls.CertificateVerificationError](err); is {
		return err.Error() + "; give ca_file"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	return err.Error()
}
