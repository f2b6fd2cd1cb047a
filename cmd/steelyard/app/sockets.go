// Opening the sockets, or taking those that others have opened.

package app

import (
	"io/fs"
	"net"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// Given is a listening socket from another process.
type Given struct {
	Address    string // as the configuration says it
	Descriptor int    // New takes it over
	Foreign    bool   // its file is somebody else's
}

// sockets opens listeners, of given sockets first.
type sockets struct {
	given []Given
	log   *zap.Logger
}

// listen opens a listener, a unix socket with the given mode and owner.
func (s *sockets) listen(address string, mode configs.Mode, owner, group configs.Account) (net.Listener, error) {
	uid, err := owner.UserID()
	if err != nil {
		return nil, err
	}
	gid, err := group.GroupID()
	if err != nil {
		return nil, err
	}
	access := front.Access{Mode: fs.FileMode(mode), User: uid, Group: gid}
	for i, g := range s.given {
		if g.Address == address {
			s.given = append(s.given[:i:i], s.given[i+1:]...)
			return front.Inherit(front.Given{Descriptor: g.Descriptor, Address: address, Access: access, Foreign: g.Foreign})
		}
	}
	return front.ListenAs(address, access)
}

// closeRest closes the sockets that no address names.
func (s *sockets) closeRest() {
	for _, g := range s.given {
		s.log.Info("a socket is closed that the configuration no longer names", zap.String("address", g.Address))
		front.CloseDescriptor(g.Descriptor)
	}
}

// closeListeners closes them before they have served. The files of those that another process
// serves stay.
func (a *App) closeListeners() {
	for _, l := range a.clients {
		_ = l.Close()
	}
	if a.admin != nil {
		_ = a.admin.Close()
	}
	if a.scaler != nil {
		_ = a.scaler.Close()
	}
}

// Sockets are copies of all sockets, for another process; close takes them back.
func (a *App) Sockets() (all []Given, close func(), err error) {
	add := func(ln net.Listener, address string) {
		fd, problem := front.Descriptor(ln)
		if problem != nil {
			err = problem
			return
		}
		all = append(all, Given{Address: address, Descriptor: fd, Foreign: front.Foreign(ln)})
	}
	for _, l := range a.clients {
		add(l.Listener, l.address)
	}
	if a.admin != nil {
		add(a.admin, a.adminAddress)
	}
	if a.scaler != nil {
		add(a.scaler.Listener, a.scaler.address)
	}
	return all, func() {
		for _, g := range all {
			front.CloseDescriptor(g.Descriptor)
		}
	}, err
}
