package keepalived

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Held tells of each of these addresses whether this machine holds it: it is on an
// interface that is up and is no loopback, on which the real servers behind a balancer
// have it as well. Names that are no addresses are held by nobody.
func Held(addresses []string) ([]bool, error) {
	held := make([]bool, len(addresses))
	here, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("read the machine's addresses: %w", err)
	}
	// Machines have thousands of interfaces, and most hold none of them.
	if !slices.Contains(match(addresses, here), true) {
		return held, nil
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("read the machine's interfaces: %w", err)
	}
	for _, in := range interfaces {
		if in.Flags&net.FlagUp == 0 || in.Flags&net.FlagLoopback != 0 {
			continue
		}
		on, err := in.Addrs()
		if err != nil {
			continue // it went away just now, and its addresses with it
		}
		for i, there := range match(addresses, on) {
			held[i] = held[i] || there
		}
	}
	return held, nil
}

// match tells of each address whether it is among those of an interface.
func match(addresses []string, among []net.Addr) []bool {
	there := map[netip.Addr]bool{}
	for _, a := range among {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			there[p.Addr().Unmap().WithZone("")] = true
		}
	}
	found := make([]bool, len(addresses))
	for i, text := range addresses {
		a, err := netip.ParseAddr(text)
		found[i] = err == nil && there[a.Unmap().WithZone("")]
	}
	return found
}
