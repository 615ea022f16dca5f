package access

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// CheckListen refuses an address that others could reach while no role is
// configured: whoever reaches it may do everything.
func CheckListen(addr string, rolesConfigured bool) error {
	if rolesConfigured {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", addr, err)
	}
	if local(host) {
		return nil
	}
	return fmt.Errorf("listen address %q can be reached from other hosts, and without web.roles everybody may do everything there: "+
		"listen on 127.0.0.1, or give roles in fettle.yml (docs/http-api.md shows how)", addr)
}

// localName tells whether a Host header names this machine as only itself can.
func localName(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return local(host)
}

func local(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
