// A relay that only holds TLS connections, to compare memory with.

//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// bareTLS is the command by which this program becomes its own yardstick: a relay that holds what Go's crypto/tls holds for
// two connections, and nothing else.
const bareTLS = "hold-bare-tls"

// yardstick is such a process.
type yardstick struct {
	addr string
	pid  int
}

func startBareTLS(ctx context.Context, s *stand, p *papers, server string) (yardstick, error) {
	self, err := os.Executable()
	if err != nil {
		return yardstick{}, err
	}
	cmd := exec.CommandContext(ctx, self, bareTLS, p.CertFile, p.KeyFile, server)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return yardstick{}, err
	}
	if err := cmd.Start(); err != nil {
		return yardstick{}, fmt.Errorf("start a bare relay: %w", err)
	}
	s.atEnd(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	return yardstick{strings.TrimSpace(line), cmd.Process.Pid}, err
}

// holdBareTLS is the other process: it passes on a request and the first bytes of its answer, and then only holds both
// connections. It says where it listens, and ends when it is killed.
func holdBareTLS() (exitCode int) {
	p := &papers{CertFile: os.Args[2], KeyFile: os.Args[3]}
	if err := p.load(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(ln.Addr())
	var held []net.Conn
	both := make(chan [2]net.Conn)
	go func() {
		for pair := range both {
			held = append(held, pair[:]...)
		}
	}()
	config := &tls.Config{Certificates: []tls.Certificate{p.certificate}}
	for {
		conn, err := ln.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() {
			client := tls.Server(conn, config)
			server, err := tls.Dial("tcp4", os.Args[4], p.trust)
			if err == nil {
				err = passOne(client, server)
			}
			if err == nil {
				err = passOne(server, client)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "bare relay:", err)
			}
			both <- [2]net.Conn{client, server}
		}()
	}
}

// passOne passes on what one read brings.
func passOne(from, to net.Conn) error {
	buf := make([]byte, 4<<10)
	n, err := from.Read(buf)
	if err != nil {
		return err
	}
	_, err = to.Write(buf[:n])
	return err
}
