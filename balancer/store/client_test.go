package store

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/store/storetest"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Options{
		"redis://10.0.0.7":                  {Network: "tcp", Addresses: []string{"10.0.0.7:6379"}},
		"redis://10.0.0.7/":                 {Network: "tcp", Addresses: []string{"10.0.0.7:6379"}},
		"redis://:pw@gpu.test:6380/3":       {Network: "tcp", Addresses: []string{"gpu.test:6380"}, Password: "pw", Database: 3},
		"redis://me:p%40w@[::1]:6380":       {Network: "tcp", Addresses: []string{"[::1]:6380"}, User: "me", Password: "p@w"},
		"unix:///run/redis/redis.sock":      {Network: "unix", Addresses: []string{"/run/redis/redis.sock"}},
		"unix:///run/redis/redis.sock?db=2": {Network: "unix", Addresses: []string{"/run/redis/redis.sock"}, Database: 2},
	} {
		got, err := Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	got, err := Parse("rediss://a.test", "rediss://b.test:7000")
	require.NoError(t, err)
	assert.Equal(t, []string{"a.test:6379", "b.test:7000"}, got.Addresses)
	assert.NotNil(t, got.TLS)
	assert.Equal(t, "rediss://a.test:6379,b.test:7000", New(got).Where())
}

func TestParseRefuses(t *testing.T) {
	const secret = "sesame"
	for text, why := range map[string]string{
		"":                                 "scheme",
		"10.0.0.7:6379":                    "not a URL",
		"http://10.0.0.7":                  "scheme",
		"redis://":                         "no host",
		"redis://:" + secret + "@":         "no host",
		"redis://h:0":                      "bad port",
		"redis://h:":                       "bad port",
		"redis://h:99999":                  "bad port",
		"redis://h:x":                      "not a URL",
		"redis://:" + secret + "@h:1/x":    "bad database",
		"redis://h/01":                     "bad database",
		"redis://h/-1":                     "bad database",
		"redis://h/0/1":                    "bad database",
		"redis://h?db=1":                   "query",
		"redis://:ses#ame@h":               "not a URL",
		"redis://h/0#x":                    "#",
		"redis://h /0":                     "not a URL",
		"unix://run/redis.sock":            "three slashes",
		"unix:///":                         "three slashes",
		"unix:///a?x=1&db=1":               "query",
		"unix:///a?db=1&db=2":              "query",
		"redis://u:" + secret + "@h:70000": "bad port",
	} {
		_, err := Parse(text)
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), why, text)
		assert.NotContains(t, err.Error(), secret)
	}
	_, err := Parse()
	require.Error(t, err)
	_, err = Parse("redis://a", "rediss://b")
	require.ErrorContains(t, err, "differ")
	_, err = Parse("redis://a", "redis://a:6379/0")
	require.ErrorContains(t, err, "twice")
}

// client is one of a server, in a bubble.
func client(t *testing.T, s *storetest.Server, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{Addresses: []string{"redis.test:6379"}, Dial: s.Dial}
	for _, f := range change {
		f(&o)
	}
	c := New(o)
	t.Cleanup(func() { require.NoError(t, c.Close()); s.Close() })
	return c
}

func kind(t *testing.T, err error) Kind {
	t.Helper()
	e, is := errors.AsType[*Error](err)
	require.True(t, is, "%v", err)
	return e.Kind
}

func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.New()
		c := client(t, s, func(o *Options) { o.Name, o.Database = "gw-1", 2 })
		for range 3 {
			_, err := c.Do(t.Context(), "SET", "a", "1", "PX", 1000)
			require.NoError(t, err)
		}
		assert.Equal(t, 1, s.Calls("SELECT"), "the connection is kept")
		replies, err := c.Pipe(t.Context(), []any{"GET", "a"}, []any{"NOSUCH"}, []any{"GET", "b"})
		require.NoError(t, err)
		assert.Equal(t, []byte("1"), replies[0])
		assert.Equal(t, Refused, kind(t, replies[1].(error)))
		assert.Nil(t, replies[2])
		_, err = c.Do(t.Context(), "NOSUCH")
		assert.Equal(t, Refused, kind(t, err))
		assert.Equal(t, 1, s.Calls("SELECT"), "an error of a command says nothing of the connection")
		time.Sleep(2 * time.Second)
		reply, err := c.Do(t.Context(), "GET", "a")
		require.NoError(t, err)
		assert.Nil(t, reply)
		time.Sleep(idleFor)
		_, err = c.Do(t.Context(), "PING")
		require.NoError(t, err)
		assert.Equal(t, 2, s.Calls("SELECT"), "one that was not used for long is not trusted")
	})
}

// Whatever is wrong with a server, a call ends in its time, says what, and the next one is good when the server is.
func TestWhatCanBeWrong(t *testing.T) {
	for name, wrong := range map[string]struct {
		kind   Kind
		remedy string
		do     func(s *storetest.Server, on bool)
	}{
		"away":     {Away, "start it", (*storetest.Server).Away},
		"stopped":  {Slow, "in time", (*storetest.Server).Stop},
		"loading":  {Loading, "not ready", says("LOADING Redis is loading the dataset in memory")},
		"waiting":  {Loading, "not ready", says("MASTERDOWN Link with MASTER is down")},
		"password": {Denied, "give a user", says("NOAUTH Authentication required.")},
		"wrong":    {Denied, "give a user", says("WRONGPASS invalid username-password pair")},
		"may not":  {Denied, "give a user", says("NOPERM this user has no permissions to run the 'set' command")},
		"replica":  {ReadOnly, "master", says("READONLY You can't write against a read only replica.")},
		"script":   {ReadOnly, "master", says("ERR Error running script: @user_script: 1: -READONLY You can't write")},
		"memory":   {Full, "memory", says("OOM command not allowed when used memory > 'maxmemory'.")},
		"disk":     {Full, "disk", says("MISCONF Redis is configured to save RDB snapshots")},
		"clients":  {Denied, "max number", says("ERR max number of clients reached")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := storetest.New()
				c := client(t, s)
				for range 2 { // once with a kept connection, once without
					wrong.do(s, true)
					for range 2 {
						began := time.Now()
						_, err := c.Do(t.Context(), "SET", "a", "1")
						require.Error(t, err)
						assert.Equal(t, wrong.kind, kind(t, err), "%v", err)
						assert.Contains(t, err.Error(), "redis://redis.test:6379 ")
						assert.Contains(t, err.Error(), wrong.remedy)
						assert.LessOrEqual(t, time.Since(began), usualTimeout)
					}
					wrong.do(s, false)
					_, err := c.Do(t.Context(), "SET", "a", "1")
					require.NoError(t, err)
				}
			})
		})
	}
}

func says(text string) func(*storetest.Server, bool) {
	return func(s *storetest.Server, on bool) {
		if on {
			s.Say(text)
		} else {
			s.Say("")
		}
	}
}

// The caller's own end comes first.
func TestCallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.New()
		c := client(t, s)
		s.Stop(true)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := c.Do(ctx, "PING")
		assert.Equal(t, Slow, kind(t, err))
		assert.Equal(t, 20*time.Millisecond, time.Since(began))
	})
}

// A failover: the master goes, or becomes a replica, and another address is the master.
func TestMasterAmongSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := storetest.New(), storetest.New()
		b.Role("slave")
		c := New(Options{Addresses: []string{"a:1", "b:2"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "a:1" {
				return a.Dial(ctx, network, address)
			}
			return b.Dial(ctx, network, address)
		}})
		defer func() { require.NoError(t, c.Close()); a.Close(); b.Close() }()
		write := func() error { _, err := c.Do(t.Context(), "SET", "k", "v"); return err }
		require.NoError(t, write())
		assert.Equal(t, 0, b.Calls("SET"))

		a.Role("slave")
		b.Role("master")
		assert.Equal(t, ReadOnly, kind(t, write()), "by the connection that was kept")
		require.NoError(t, write())
		assert.Equal(t, 1, b.Calls("SET"))

		a.Role("master")
		b.Stop(true)
		assert.Equal(t, Slow, kind(t, write()))
		require.NoError(t, write(), "the one that is stopped takes its part of the time only")
		a.Stop(true)
		assert.Equal(t, Slow, kind(t, write()))
		assert.Equal(t, Slow, kind(t, write()))
		a.Stop(false)
		b.Stop(false)
		a.Role("slave")
		b.Role("slave")
		err := write()
		for range 2 {
			err = write()
		}
		assert.Equal(t, ReadOnly, kind(t, err))
		assert.Contains(t, err.Error(), "slave")
	})
}

func TestPasswordFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("sesame\n"), 0o600))
	synctest.Test(t, func(t *testing.T) {
		s := storetest.New()
		s.Password("sesame")
		c := client(t, s, func(o *Options) { o.PasswordFile = file })
		_, err := c.Do(t.Context(), "PING")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, []byte("other\n"), 0o600))
		s.Away(true)
		s.Away(false)
		_, err = c.Do(t.Context(), "PING")
		require.Error(t, err)
		_, err = c.Do(t.Context(), "PING")
		assert.Equal(t, Denied, kind(t, err), "it is read at each connection")
		assert.NotContains(t, err.Error(), "other")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		_, err = c.Do(t.Context(), "PING")
		assert.Contains(t, err.Error(), "is empty")
	})
}

// A server that speaks no TLS, where TLS is asked for, is told as such and in time.
func TestTLSToPlainServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = c.Write([]byte("-ERR Protocol error\r\n"))
				_ = c.Close()
			}()
		}
	}()
	c := New(Options{Addresses: []string{ln.Addr().String()}, TLS: &tls.Config{ServerName: "redis.test"}, Timeout: time.Minute})
	_, err = c.Do(t.Context(), "PING")
	require.Error(t, err)
	assert.True(t, strings.HasPrefix(err.Error(), "rediss://127.0.0.1:"), err.Error())
}
