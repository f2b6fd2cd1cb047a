// Where one program meets one hardship: folder, servers and processes.

//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// stand is where one program goes through one hardship: a folder, servers, connections, and processes, all of which
// end with it.
type stand struct {
	program peers.Program
	dir     string
	mu      sync.Mutex
	ends    []func() // what close calls, the last first; under mu
}

func newStand(program peers.Program, below string) (*stand, error) {
	dir, err := os.MkdirTemp(below, program.Name+"-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	return &stand{program: program, dir: dir}, nil
}

func (s *stand) atEnd(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, f)
}

func (s *stand) close() {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
}

// stock is a plan for servers of equal weight, and the same for every program: only what a hardship varies is told.
func stock(servers ...string) peers.Plan {
	plan := peers.Plan{Stock: true, InTurn: true}
	for i, addr := range servers {
		plan.Endpoints = append(plan.Endpoints, peers.Endpoint{Name: fmt.Sprintf("s%d", i), Addr: addr})
	}
	return plan
}

// start runs the program.
func (s *stand) start(ctx context.Context, plan peers.Plan) (*peers.Process, error) {
	plan.Dir = s.dir
	if plan.Begin == nil {
		plan.Begin = (*exec.Cmd).Start
	}
	p, err := s.program.Start(ctx, plan)
	if err != nil {
		return nil, err
	}
	forget := context.AfterFunc(ctx, p.Stop) // so that nobody goes on waiting for it
	s.atEnd(func() { forget(); p.Stop() })
	return p, nil
}

// serve starts a server of the bench's own and returns its host:port.
func (s *stand) serve(answer http.HandlerFunc) (string, error) {
	_, addr, err := s.serveTLS(answer, nil)
	return addr, err
}

// serveTLS does so with a certificate; nil: in plain HTTP.
func (s *stand) serveTLS(answer http.HandlerFunc, certificate *tls.Certificate) (*http.Server, string, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("start a server: %w", err)
	}
	if certificate != nil {
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"http/1.1"}})
	}
	server := &http.Server{Handler: answer, ErrorLog: silent}
	go func() { _ = server.Serve(ln) }() // ends with Close
	s.atEnd(func() { _ = server.Close() })
	return server, ln.Addr().String(), nil
}

// drain tells the program to finish what it has and to take nothing new.
func drain(p *peers.Process) error {
	return syscall.Kill(p.PID(), map[string]syscall.Signal{
		peers.Nginx: syscall.SIGQUIT, peers.HAProxy: syscall.SIGUSR1, peers.Steelyard: syscall.SIGTERM}[p.Name])
}

// reload tells a program by its number to read its configuration again.
func reload(program string, pid int) error {
	return syscall.Kill(pid, map[string]syscall.Signal{
		peers.Nginx: syscall.SIGHUP, peers.HAProxy: syscall.SIGUSR2, peers.Steelyard: syscall.SIGHUP}[program])
}
