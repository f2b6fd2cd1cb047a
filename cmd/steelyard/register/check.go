// The check of a server by HTTP.

package register

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"
)

// checkTime is how long an answer may take.
const checkTime = 2 * time.Second

// HTTPCheck returns a check that is passed by a status of 200 to 299. Certificates are not looked at: whoever runs beside
// a server by its address knows who it is.
func HTTPCheck(url string) func(context.Context) error {
	client := &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, checkTime)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("User-Agent", "steelyard")
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
		if response.StatusCode/100 != 2 {
			return fmt.Errorf("GET %s answered %d", url, response.StatusCode)
		}
		return nil
	}
}
