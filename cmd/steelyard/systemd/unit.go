// The units by which systemd runs the program.

package systemd

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Marker stands in the first line of each unit that was written for somebody, so that it is known again.
const Marker = "# Written by `steelyard service install`; `steelyard service uninstall` removes it."

// Unit is what a service is to be like.
type Unit struct {
	Program, Config string // absolute
	User            bool   // of the manager of one user, not of the machine
	As              string // account; "": one that systemd makes up. Not with User
	Sockets         []string
	Writes          []string      // folders that the program writes to, besides its own in /var/lib and /run
	Stop            time.Duration // how long it may take to end
	Low             bool          // it listens on a port below 1024 by itself
	RunsServers     bool          // it starts inference servers, which need devices and more
}

// Service is the unit of the program.
func (u *Unit) Service() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", Marker)
	line("[Unit]\nDescription=steelyard, a load balancer for inference servers\nWants=network-online.target\nAfter=network-online.target")
	if len(u.Sockets) > 0 {
		line("Requires=steelyard.socket\nAfter=steelyard.socket")
	}
	line("\n[Service]\n# notify-reload would need systemd 253.\nType=notify\nNotifyAccess=main")
	line("ExecStart=%s serve %s", quote(u.Program), quote(u.Config))
	line("ExecReload=/bin/kill -HUP $MAINPID")
	line("# To replace the program while it serves: systemctl kill --kill-whom=main --signal=SIGUSR2 steelyard")
	line("Restart=on-failure\nRestartSec=1s\nWatchdogSec=30s\nLimitNOFILE=65536\nTimeoutStopSec=%ds", int(u.Stop.Seconds()))
	line("# The program alone is told to stop: servers that it has started go on until it has drained.\nKillMode=mixed")
	line("StateDirectory=steelyard\nRuntimeDirectory=steelyard\nUMask=0077\n")
	u.harden(line)
	target := "multi-user.target"
	if u.User {
		target = "default.target"
	}
	line("\n[Install]\nWantedBy=%s", target)
	if len(u.Sockets) > 0 {
		line("Also=steelyard.socket")
	}
	return b.String()
}

// harden takes from the service what it does not need.
func (u *Unit) harden(line func(string, ...any)) {
	line("NoNewPrivileges=yes\nLockPersonality=yes\nRestrictRealtime=yes\nRestrictSUIDSGID=yes\nSystemCallArchitectures=native")
	if u.User {
		return // the manager of a user may not do the rest
	}
	if u.As != "" {
		line("User=%s", u.As)
	} else {
		line("DynamicUser=yes")
	}
	line("ProtectSystem=strict")
	home := "yes"
	if slices.ContainsFunc([]string{u.Program, u.Config}, inHome) {
		home = "read-only"
	}
	line("ProtectHome=%s\nPrivateTmp=yes", home)
	for _, folder := range u.Writes {
		line("ReadWritePaths=%s", quote(folder))
	}
	line("ProtectClock=yes\nProtectHostname=yes\nProtectKernelLogs=yes\nProtectKernelModules=yes\nProtectKernelTunables=yes\nProtectControlGroups=yes\nRestrictNamespaces=yes")
	line("RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK")
	if u.Low {
		line("CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE")
	} else {
		line("CapabilityBoundingSet=")
	}
	if u.RunsServers {
		line("# Engines compile code for their GPUs, and need these devices: no PrivateDevices=, MemoryDenyWriteExecute= or SystemCallFilter=.")
		return
	}
	line("PrivateDevices=yes\nMemoryDenyWriteExecute=yes\nSystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM")
}

func inHome(path string) bool {
	return strings.HasPrefix(path, "/home/") || strings.HasPrefix(path, "/root/") || strings.HasPrefix(path, "/run/user/")
}

// Socket is the unit of the sockets that systemd opens, in the order of Sockets.
func (u *Unit) Socket() (string, error) {
	text := Marker + "\n[Unit]\nDescription=Sockets of steelyard, which stay open while the program is started again\n\n[Socket]\n"
	for _, address := range u.Sockets {
		if path, is := strings.CutPrefix(address, "unix:"); is {
			text += "ListenStream=" + strings.ReplaceAll(path, "%", "%%") + "\n"
			continue
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return "", fmt.Errorf("listen address %s: %w", address, err)
		}
		if _, err := netip.ParseAddr(host); err != nil && host != "" {
			return "", fmt.Errorf("listen address %s has a name, and systemd takes addresses only: write one such as 127.0.0.1:%s", address, port)
		}
		if host == "" {
			address = port
		}
		text += "ListenStream=" + address + "\n"
	}
	return text + "NoDelay=true\nBacklog=4096\n\n[Install]\nWantedBy=sockets.target\n", nil
}

// quote writes a word as systemd reads it.
func quote(word string) string {
	word = strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`, "$", "$$").Replace(word)
	if strings.ContainsAny(word, " \t'\"\\;") {
		return `"` + word + `"`
	}
	return word
}
