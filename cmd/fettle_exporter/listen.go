package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
)

// listen opens what the flags say: addresses, or the sockets that systemd hands over.
func listen(ctx context.Context, f flags) (all []net.Listener, err error) {
	if f.systemdSocket {
		all, err := activation.Listeners()
		if err == nil && len(all) == 0 {
			err = errors.New("systemd handed over no socket: is there a .socket unit beside the service?")
		}
		if err != nil {
			return nil, fmt.Errorf("--web.systemd-socket: %w", err)
		}
		return all, nil
	}
	for _, address := range f.addresses {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			for _, open := range all {
				err = errors.Join(err, open.Close())
			}
			if strings.Contains(address, "://") {
				err = fmt.Errorf("%w (an address is HOST:PORT or :PORT)", err)
			}
			return nil, fmt.Errorf("--web.listen-address=%s: %w", address, err)
		}
		all = append(all, l)
	}
	return all, nil
}
