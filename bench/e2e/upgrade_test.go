package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Five upgrades under load, with 200 streams open and reloads between: no request fails, no stream is cut, and
// nothing is left over.
func TestUpgradesLoseNothing(t *testing.T) {
	const upgrades, streams = 5, 200
	h := newHolder(t)
	d := found(t, h, "", 0)
	stop := make(chan struct{})
	var running sync.WaitGroup
	var clients []*strictClient
	for i := range 8 {
		c := &strictClient{address: d.address, pause: time.Duration(i%4) * 7 * time.Millisecond}
		clients = append(clients, c)
		running.Go(func() { c.run(stop) })
	}
	var open []*heldStream
	before := d.pid()
	for i := range upgrades {
		for range streams / upgrades {
			open = append(open, d.openStream())
		}
		now := d.upgrade()
		require.NotEqual(t, before, now)
		before = now
		text, err := os.ReadFile(d.file)
		require.NoError(t, err)
		for j := range 20 {
			d.write(fmt.Sprintf("%s# %d\ntimeouts: {upgrade_idle: %ds}\n", text, i, 60+j))
			d.reload()
		}
		d.write(string(text))
		d.reload()
		eventually(t, "the load goes on", func() bool { return clients[0].answered.Load() > int64(20*i) })
		require.Equal(t, fmt.Sprint(i+1), d.metric("steelyard_replaced_processes"))
	}
	eventually(t, "no more than the streams to be left", func() bool { return d.metric("steelyard_replaced_requests") == fmt.Sprint(streams) })
	h.release()
	for _, s := range open {
		rest, err := io.ReadAll(s.reader)
		require.NoError(t, err)
		require.Equal(t, "last\n", string(rest))
	}
	close(stop)
	running.Wait()
	total := int64(0)
	for _, c := range clients {
		total += c.answered.Load()
		require.Zero(t, c.lost.Load(), "%v", c.problem.Load())
		require.NotZero(t, c.answered.Load())
	}
	t.Logf("%d requests and %d streams, none lost", total, streams)
	d.atRest()
	_ = d.first.Wait()
	require.Zero(t, d.first.ProcessState.ExitCode(), "the first process has ended in peace")
}

func (d *dynasty) reload() {
	d.t.Helper()
	r, err := http.Post(d.admin+"/api/v1/reload", "", nil)
	require.NoError(d.t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(d.t, err)
	require.Equal(d.t, 200, r.StatusCode, "%s", body)
}

// A connection that the old process has accepted, and on which nothing has come yet, is answered; and
// told that it is the last answer there. So is one that was idle.
func TestConnectionsOfTheOldProcessAreServed(t *testing.T) {
	d := found(t, newHolder(t), "", 0)
	var all []net.Conn
	for _, used := range []bool{false, true} {
		c, err := net.Dial("tcp", d.address)
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		if used {
			require.False(t, askOn(t, c).Close)
		}
		all = append(all, c)
	}
	d.upgrade()
	for _, c := range all {
		require.True(t, askOn(t, c).Close)
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "an end, and no reset")
	}
	d.atRest()
}

func askOn(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(within)))
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "first\n", string(body))
	return r
}

// A unix socket's file is the new process's, which removes it at its end.
func TestUpgradeKeepsUnixSockets(t *testing.T) {
	d := found(t, newHolder(t), "", 0)
	path := filepath.Join(filepath.Dir(d.file), "s")
	for range 2 {
		pid := d.upgrade()
		eventually(t, "the old process has ended", func() bool { return d.metric("steelyard_replaced_processes") == "0" })
		c, err := net.Dial("unix", path)
		require.NoError(t, err)
		askOn(t, c)
		require.NoError(t, c.Close())
		require.Equal(t, pid, d.pid())
	}
	require.NoError(t, syscall.Kill(d.pid(), syscall.SIGTERM))
	eventually(t, "the file is gone", func() bool { _, err := os.Lstat(path); return os.IsNotExist(err) })
}

// What the old process has in flight takes slots of the new one, which gives them to those who wait as they come free; and an
// operator's drain goes on.
func TestUpgradeKeepsSlotsAndDrains(t *testing.T) {
	h := newHolder(t)
	d := found(t, h, "", 2)
	open := []*heldStream{d.openStream(), d.openStream()}
	d.upgrade()
	require.Equal(t, "2", d.metric(`steelyard_requests_in_flight{endpoint="h",upstream="default"}`))
	answered := make(chan string)
	go func() {
		r, err := http.Get("http://" + d.address + "/")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = r.Body.Close() }()
		answered <- r.Status
	}()
	eventually(t, "the request waits", func() bool { return d.metric(`steelyard_queue_requests{upstream="default"}`) == "1" })
	h.release()
	require.Equal(t, "200 OK", <-answered)
	for _, s := range open {
		rest, err := io.ReadAll(s.reader)
		require.NoError(t, err)
		require.Equal(t, "last\n", string(rest))
	}
	require.Equal(t, 200, post(t, d.admin+"/api/v1/upstreams/default/endpoints/h/drain"))
	d.upgrade()
	state := get(t, d.admin+"/api/v1/upstreams/default")
	require.Contains(t, state, `"draining"`)
	d.atRest()
}

// A new program that fails leaves the old one serving, whatever is wrong with it.
func TestFailedUpgradesChangeNothing(t *testing.T) {
	h := newHolder(t)
	d := found(t, h, "", 0)
	pid := d.pid()
	send := func(s syscall.Signal) func() { return func() { require.NoError(t, syscall.Kill(pid, s)) } }
	becomes := func(script string) {
		require.NoError(t, os.WriteFile(d.program+".new", []byte("#!/bin/sh\n"+script+"\n"), 0o700))
		require.NoError(t, os.Rename(d.program+".new", d.program))
	}
	stream := d.openStream()
	good, err := os.ReadFile(d.file)
	require.NoError(t, err)

	d.write("listen: nonsense\n") // the watch reports it too
	d.saysMore("upgrade failed", send(syscall.SIGUSR2))
	d.write(string(good))
	for _, script := range []string{"exit 3", "kill -9 $$", "exec /nowhere"} {
		becomes(script)
		d.saysMore("upgrade failed", send(syscall.SIGUSR2))
		require.Equal(t, pid, d.pid())
	}
	require.NoError(t, os.Remove(d.program))
	d.saysMore("upgrade failed", send(syscall.SIGUSR2))
	told := get(t, d.admin+"/api/v1/events")
	for _, cause := range []string{"the new program ended: exit status 2", "exit status 3", "signal: killed", "exit status 127", "no such file or directory"} {
		require.Contains(t, told, cause)
	}
	require.Equal(t, 200, status("http://"+d.address+"/"))

	// While a new program takes its time, another SIGUSR2 is refused, and a SIGHUP is obeyed.
	becomes("echo asleep; exec sleep 1000")
	d.saysMore("asleep", send(syscall.SIGUSR2))
	d.saysMore("an upgrade is under way", send(syscall.SIGUSR2))
	d.write(string(good) + "timeouts: {upgrade_idle: 61s}\n")
	d.saysMore("reloaded", send(syscall.SIGHUP))
	require.Equal(t, 200, status("http://"+d.address+"/"))

	// SIGTERM ends it and the old process, which first finishes what it has begun.
	send(syscall.SIGTERM)()
	eventually(t, "the upgrade has failed", func() bool {
		return strings.Contains(d.log(), `"cause":"shutting down","action":"this process stops too"`)
	})
	h.release()
	rest, err := io.ReadAll(stream.reader)
	require.NoError(t, err)
	require.Equal(t, "last\n", string(rest))
	require.NoError(t, d.first.Wait())
	require.True(t, strings.HasSuffix(strings.TrimSpace(d.log()), `"msg":"stopped"}`), "nobody serves after it")
}

// A process that is being replaced refuses upgrades and reloads, and SIGTERM bounds what it still does.
func TestSignalsToTheOldProcess(t *testing.T) {
	h := newHolder(t)
	d := found(t, h, "timeouts: {shutdown: 100ms}", 0)
	old := d.pid()
	stream := d.openStream()
	d.upgrade()
	d.saysMore("SIGHUP is ignored", func() { require.NoError(t, syscall.Kill(old, syscall.SIGHUP)) })
	d.saysMore("SIGUSR2 is refused", func() { require.NoError(t, syscall.Kill(old, syscall.SIGUSR2)) })
	require.Equal(t, "1", d.metric("steelyard_replaced_processes"))
	require.NoError(t, syscall.Kill(old, syscall.SIGTERM))
	_, err := io.ReadAll(stream.reader)
	require.Error(t, err, "what is cut does not look whole")
	d.atRest()
}

// timeouts.upgrade_drain bounds what an old process still does.
func TestUpgradeDrain(t *testing.T) {
	d := found(t, newHolder(t), "timeouts: {upgrade_drain: 300ms}", 0)
	stream := d.openStream()
	d.upgrade()
	_, err := io.ReadAll(stream.reader)
	require.Error(t, err, "what is cut does not look whole")
	d.atRest()
}
