// Asking the admin listener of a running gateway.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// adminListener is that of a running gateway.
type adminListener struct {
	address   string // host:port, a URL, or unix: and a path
	tokenFile string // "": no token
}

const defaultAdmin = "127.0.0.1:9090"

// flags lets a command say which listener it asks.
func (l *adminListener) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.address, "admin", defaultAdmin, "admin listener of the gateway: host:port, a URL, or unix:PATH")
	c.Flags().StringVar(&l.tokenFile, "token-file", "", "file that holds the token of the admin listener (admin.token_file)")
}

// adminTimeout is for an answer, which may have to be read from many files.
const adminTimeout = time.Minute

// call asks for a path, and reads the answer into v.
func (l *adminListener) call(ctx context.Context, method, path string, query url.Values, v any) error {
	client, base, err := l.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, base+path+"?"+query.Encode(), nil)
	if err != nil {
		return badInput("--admin %s: %v", shorten(l.address), err)
	}
	if l.tokenFile != "" {
		token, err := os.ReadFile(l.tokenFile)
		if err != nil {
			return badInput("--token-file %s: cannot be read: %v", l.tokenFile, cause(err))
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask the admin listener: %w: is the gateway running, and is --admin its admin.address?", err)
	}
	defer answer.Body.Close()
	const most = 64 << 20
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return fmt.Errorf("read the answer of the admin listener: %w", err)
	}
	if answer.StatusCode/100 != 2 {
		return refusal(answer.StatusCode, text)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("read the answer of the admin listener: %w: is --admin the address of a steelyard?", err)
	}
	return nil
}

// refusal is what the admin listener says of a request that it does not do.
func refusal(status int, text []byte) error {
	var said struct {
		Error struct{ Message string }
	}
	if json.Unmarshal(text, &said) != nil || said.Error.Message == "" {
		return fmt.Errorf("the admin listener answers %d %s: is --admin the address of a steelyard?", status, http.StatusText(status))
	}
	if status == http.StatusBadRequest || status == http.StatusNotFound {
		return badInput("%s", said.Error.Message)
	}
	return fmt.Errorf("%s", said.Error.Message)
}

// client is what asks, and what its URLs begin with.
func (l *adminListener) client() (*http.Client, string, error) {
	if path, is := strings.CutPrefix(l.address, "unix:"); is {
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, "http://localhost", nil
	}
	base := l.address
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" && u.RawQuery != "" {
		return nil, "", badInput("--admin %q: write host:port, http://host:port or unix:/path", shorten(l.address))
	}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, strings.TrimSuffix(base, "/"), nil
}
