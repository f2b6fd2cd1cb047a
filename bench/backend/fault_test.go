package backend

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

func get(t *testing.T, client *http.Client, url string) (status int, body string) {
	t.Helper()
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestFaultsThatAnswer(t *testing.T) {
	for kind, want := range map[Fault]struct{ health, infer, stream int }{
		None:       {200, 200, 200},
		FailHealth: {503, 200, 200},
		Busy:       {429, 429, 429},
		Error500:   {200, 500, 500},
		ErrorEvent: {200, 500, 200},
	} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, s *Server, client *http.Client) {
				require.NoError(t, s.SetFault(kind, 0))
				require.Equal(t, kind, s.Fault())
				status, _ := get(t, client, "http://server/health")
				require.Equal(t, want.health, status)
				status, body := askWhole(t, client, chatURL, `{"messages":[]}`)
				require.Equal(t, want.infer, status)
				require.Equal(t, status != 200, strings.Contains(body, `{"error":{`), body)
				status, body = askWhole(t, client, chatURL, `{"messages":[],"stream":true}`)
				require.Equal(t, want.stream, status)
				if kind == ErrorEvent {
					require.Contains(t, chunks(t, body)[0], "error")
				}
			})
		})
	}
}

func TestSlowAndItsEnd(t *testing.T) {
	inBubble(t, Options{Engine: engine.Options{Capacity: 10, Slots: 1}}, func(t *testing.T, s *Server, client *http.Client) {
		status, body := askWhole(t, client, "http://server/fault?kind=slow&for=1500ms", "")
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"server":"backend","fault":"slow","for":"1.5s"}`, body)
		for _, want := range []time.Duration{time.Second, time.Second, 100 * time.Millisecond} {
			began := time.Now()
			askWhole(t, client, chatURL, `{"messages":[]}`)
			require.Equal(t, want, time.Since(began))
		}
		require.Equal(t, None, s.Fault())
	})
}

func TestSpeedOverHTTP(t *testing.T) {
	inBubble(t, Options{Engine: engine.Options{Capacity: 10, Slots: 1}}, func(t *testing.T, s *Server, client *http.Client) {
		status, body := askWhole(t, client, "http://server/speed?factor=0.5", "")
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"server":"backend","speed":0.5}`, body)
		began := time.Now()
		askWhole(t, client, chatURL, `{"messages":[]}`)
		require.Equal(t, 200*ms, time.Since(began))
		for _, factor := range []string{"", "0", "-1", "NaN", "Inf", "fast"} {
			status, body = askWhole(t, client, "http://server/speed?factor="+factor, "")
			require.Equal(t, 400, status)
			require.Contains(t, body, "give a positive number, 1 for the nominal speed")
		}
		require.ErrorContains(t, s.SetSpeed(0), `simulated server "backend": speed 0: must be a positive number`)
		_, body = get(t, client, "http://server/speed")
		require.JSONEq(t, `{"server":"backend","speed":0.5}`, body)
	})
}

// A server that hangs goes on where it was, as a stopped process does.
func TestHangStopsEverythingAndThenGoesOn(t *testing.T) {
	inBubble(t, Options{Engine: engine.Options{Capacity: 10, Slots: 1}, UnitTokens: 10}, func(t *testing.T, s *Server, client *http.Client) {
		stream, err := ask(t.Context(), client, chatURL, `{"messages":[],"stream":true}`)
		require.NoError(t, err)
		defer stream.Body.Close()
		began := time.Now()
		whole := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, stream.Body)
			whole <- err
		}()
		time.Sleep(45 * time.Millisecond)
		require.NoError(t, s.SetFault(Hang, time.Hour))
		status, _ := get(t, client, "http://server/health")
		require.Equal(t, 200, status)
		require.Equal(t, time.Hour+45*time.Millisecond, time.Since(began), "health hung too")
		require.NoError(t, <-whole)
		require.Equal(t, time.Hour+100*time.Millisecond, time.Since(began))
	})
}

func TestAnswersCutShortDoNotLookWhole(t *testing.T) {
	inBubble(t, Options{UnitTokens: 8}, func(t *testing.T, s *Server, client *http.Client) {
		require.NoError(t, s.SetFault(CutStream, 0))
		for body, want := range map[string]string{
			`{"messages":[]}`:               `{"id":"chatcmpl-`,
			`{"messages":[],"stream":true}`: `"content":"a "`, // the fourth of eight
		} {
			response, err := ask(t.Context(), client, chatURL, body)
			require.NoError(t, err)
			require.Equal(t, 200, response.StatusCode)
			text, err := io.ReadAll(response.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Contains(t, string(text), want)
			require.NotContains(t, string(text), "[DONE]")
			require.NotContains(t, string(text), `"content":"simulated "`)
			require.NoError(t, response.Body.Close())
		}
		require.Equal(t, int64(2), s.Counts().Failed)
	})
}

func TestResetResetsTheConnection(t *testing.T) {
	s, _ := onLoopback(t, Options{Engine: engine.Options{Capacity: 10, Slots: 1}})
	stream, err := ask(t.Context(), http.DefaultClient, s.URL()+"/v1/chat/completions", `{"messages":[],"stream":true,"max_tokens":1000}`)
	require.NoError(t, err)
	defer stream.Body.Close()
	require.NoError(t, s.SetFault(Reset, 0))
	_, err = io.Copy(io.Discard, stream.Body)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	for _, path := range []string{"/health", "/v1/models"} {
		// Not GET, which the client would send again.
		conn, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		_, err = io.ReadAll(conn)
		require.ErrorIs(t, err, syscall.ECONNRESET, path)
		require.NoError(t, conn.Close())
	}
	_, err = ask(t.Context(), http.DefaultClient, s.URL()+"/v1/chat/completions", `{"messages":[]}`)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	eventually(t, "both count as failed", func() bool { return s.Counts().Failed == 2 })
}

// TestResetHalfResetsAfterTheBegin: the client has the first half, and no end that could pass for one.
func TestResetHalfResetsAfterTheBegin(t *testing.T) {
	s, _ := onLoopback(t, Options{UnitTokens: 8, Engine: engine.Options{Capacity: 1000, Slots: 1}})
	require.NoError(t, s.SetFault(ResetHalf, 0))
	for _, body := range []string{`{"messages":[]}`, `{"messages":[],"stream":true}`} {
		response, err := ask(t.Context(), http.DefaultClient, s.URL()+"/v1/chat/completions", body)
		require.NoError(t, err)
		require.Equal(t, 200, response.StatusCode)
		_, err = io.Copy(io.Discard, response.Body)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.NoError(t, response.Body.Close())
	}
	eventually(t, "both count as failed", func() bool { return s.Counts().Failed == 2 })
	status, _ := get(t, http.DefaultClient, s.URL()+"/health")
	require.Equal(t, 200, status)
}

// TestVisitsAreTold from the arrival to the end, whatever that is.
func TestVisitsAreTold(t *testing.T) {
	var mu sync.Mutex
	came, ended := 0, map[Ending]int{}
	o := Options{Visited: func(r *http.Request) func(Ending) {
		mu.Lock()
		defer mu.Unlock()
		came++
		return func(how Ending) {
			mu.Lock()
			defer mu.Unlock()
			ended[how]++
		}
	}}
	inBubble(t, o, func(t *testing.T, s *Server, client *http.Client) {
		for _, fault := range []Fault{None, Error500, ErrorEvent, CutStream} {
			require.NoError(t, s.SetFault(fault, 0))
			if response, err := ask(t.Context(), client, chatURL, `{"messages":[],"stream":true}`); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				require.NoError(t, response.Body.Close())
			}
		}
		require.NoError(t, s.SetFault(Hang, 0))
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		_, err := ask(ctx, client, chatURL, `{"messages":[]}`)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, 5, came)
		require.Equal(t, map[Ending]int{Completed: 1, Failed: 3, Aborted: 1}, ended)
	})
}

func TestDownRefusesAndComesBackAtTheSameAddress(t *testing.T) {
	s, _ := onLoopback(t, Options{Engine: engine.Options{Capacity: 1, Slots: 1}})
	stream, err := ask(t.Context(), http.DefaultClient, s.URL()+"/v1/chat/completions", `{"messages":[],"stream":true}`)
	require.NoError(t, err)
	defer stream.Body.Close()

	status, body := askWhole(t, http.DefaultClient, s.URL()+"/fault?kind=down", "")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"server":"backend","fault":"down","for":"30s"}`, body, "over HTTP it ends by itself")
	_, err = io.Copy(io.Discard, stream.Body)
	require.Error(t, err, "open streams break")
	refused := func() bool {
		conn, err := net.Dial("tcp", s.Addr())
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	eventually(t, "connections are refused", refused)
	eventually(t, "the stream counts as failed", func() bool { return s.Counts().Failed == 1 })
	require.Zero(t, s.Counts().Aborted, "the server left, not the client")

	for range 2 {
		require.NoError(t, s.SetFault(None, 0))
		eventually(t, "connections are accepted again", func() bool { return !refused() })
		status, _ = get(t, http.DefaultClient, s.URL()+"/health")
		require.Equal(t, 200, status)
		require.NoError(t, s.SetFault(Down, time.Millisecond)) // comes back on its own
		eventually(t, "the fault expires", func() bool { return s.Fault() == None })
	}
}

func TestFaultSwitchRefusesNonsense(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Server, client *http.Client) {
		for query, want := range map[string]string{
			"":                     `unknown fault \"\": use one of none, fail-health, busy,`,
			"?kind=broken":         `unknown fault \"broken\"`,
			"?kind=slow&for=-1s":   `for \"-1s\": give a positive duration`,
			"?kind=slow&for=a+day": `for \"a day\": give a positive duration`,
		} {
			status, body := askWhole(t, client, "http://server/fault"+query, "")
			require.Equal(t, 400, status)
			require.Contains(t, body, want)
		}
		require.Equal(t, None, s.Fault())
		require.ErrorContains(t, s.SetFault("broken", 0), "unknown fault")
		status, body := get(t, client, "http://server/fault")
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"server":"backend","fault":"none"}`, body)
	})
}

// In every phase a client that leaves costs nothing from then on and is counted.
func TestClientThatLeavesFreesItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		fault Fault
		ahead bool // another request holds the only slot
	}{
		"waiting for a slot": {body: `{"messages":[]}`, ahead: true},
		"working":            {body: `{"messages":[]}`},
		"streaming":          {body: `{"messages":[],"stream":true}`},
		"hung":               {body: `{"messages":[]}`, fault: Hang},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{Engine: engine.Options{Capacity: 1, Slots: 1}}, func(t *testing.T, s *Server, client *http.Client) {
				leave := make(chan struct{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.ahead {
					go ask(ctx, client, chatURL, `{"messages":[]}`)
					synctest.Wait()
				}
				if c.fault != "" {
					require.NoError(t, s.SetFault(c.fault, 0))
				}
				leaver, goAway := context.WithCancel(ctx)
				go func() {
					defer close(leave)
					response, err := ask(leaver, client, chatURL, c.body)
					if err == nil {
						_, err = io.Copy(io.Discard, response.Body)
						response.Body.Close()
					}
					if !errors.Is(err, context.Canceled) {
						t.Errorf("ended with %v", err)
					}
				}()
				time.Sleep(500 * time.Millisecond)
				before := s.Counts()
				goAway()
				<-leave
				synctest.Wait()
				require.Equal(t, int64(1), s.Counts().Aborted)
				require.Equal(t, before.InFlight-1, s.Counts().InFlight)
				require.Zero(t, s.Counts().Waiting)
				if c.ahead {
					cancel()
					synctest.Wait()
				}
				s.SetFault(None, 0)
				began := time.Now()
				askWhole(t, client, chatURL, `{"messages":[]}`)
				require.Equal(t, time.Second, time.Since(began), "the slot was free at once")
			})
		})
	}
}

func TestUploadBrokenOffCountsAsAborted(t *testing.T) {
	s, _ := onLoopback(t, Options{})
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	eventually(t, "the request arrives", func() bool { return s.Counts().InFlight == 1 })
	require.NoError(t, conn.Close())
	eventually(t, "its end is counted", func() bool { return s.Counts().Aborted == 1 })
}

func TestRunEndsWithWorkInHand(t *testing.T) {
	s, stop := onLoopback(t, Options{Engine: engine.Options{Capacity: 0.001, Slots: 1}})
	answers := make(chan error, 3)
	for _, kind := range []string{`{"messages":[]}`, `{"messages":[],"stream":true}`, `{"messages":[]}`} {
		go func() {
			response, err := ask(context.Background(), http.DefaultClient, s.URL()+"/v1/chat/completions", kind)
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			answers <- err
		}()
	}
	eventually(t, "all three are inside", func() bool { return s.Counts().InFlight == 3 })
	require.NoError(t, stop())
	for range 3 {
		require.Error(t, <-answers)
	}
	require.Equal(t, int64(3), s.Counts().Failed)
	_, err := http.Get(s.URL() + "/health")
	var urlErr *url.Error
	require.ErrorAs(t, err, &urlErr)
}
