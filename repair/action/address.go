package action

import (
	"fmt"
	"net/netip"
	"slices"
)

// allowed tells whether a request may go to an address, as host:port with the host an
// IP: to a public one, or into a range that the playbook declares. It is asked after
// the name was resolved, for the address that is really connected to.
func allowed(address string, private []netip.Prefix) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address to connect to: %w", address, err)
	}
	a := ap.Addr().Unmap().WithZone("")
	declared := slices.ContainsFunc(private, func(p netip.Prefix) bool { return p.Contains(a) })
	switch {
	case a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}), thisNetwork().Contains(a):
		return fmt.Errorf("%s is the address of no host", a)
	case !declared && !public(a):
		return fmt.Errorf("%s is not a public address, and in no range that the step declares under `private`", a)
	}
	return nil
}

func thisNetwork() netip.Prefix { return netip.MustParsePrefix("0.0.0.0/8") }

// public tells whether an address is one of the internet's: of IPv6 what is assigned
// to it, and in both none of IANA's registries of special ones. Those that carry an
// IPv4 address (NAT64, 6to4, Teredo) are special, whatever they carry.
func public(a netip.Addr) bool {
	special := []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
	}
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) {
		return false
	}
	return !slices.ContainsFunc(special, func(s string) bool { return netip.MustParsePrefix(s).Contains(a) })
}
