// Package systemd is what the service manager and the program say to each other: sockets that it has
// opened (sd_listen_fds), and how the program is (sd_notify). Where there is no systemd, all of this does nothing.
//
//	sockets := systemd.Sockets()
//	notify := systemd.NewNotifier()
//	notify.Ready()
//
// The protocols are stable and small, so they are spoken here.
package systemd
