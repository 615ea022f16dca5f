package inventory

import (
	"net/netip"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

const mostAddresses = 64

// keepalived checks what only clusters of kind keepalived declare.
func (c check) keepalived(cl cluster.Cluster) {
	addresses := cl.Keepalived.Addresses
	if cl.Kind != cluster.KindKeepalived {
		if len(addresses) > 0 {
			c.errorf("keepalived", "keepalived is for clusters of kind keepalived: leave it out")
		}
		return
	}
	if len(addresses) > mostAddresses {
		c.errorf("keepalived", "%d virtual addresses, %d is the most", len(addresses), mostAddresses)
	}
	for i, text := range addresses {
		at := c.at.Join("keepalived", "addresses", i)
		a, err := netip.ParseAddr(text)
		switch {
		case err != nil || a.Zone() != "":
			c.doc.Errorf(at, "address %s is no IP address: write it alone, without a prefix length, an interface or a name, such as 10.0.0.100", strictyaml.Clip(text))
		case a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast():
			c.doc.Errorf(at, "address %s is not one that machines hold in turn", strictyaml.Clip(text))
		case a.String() != text:
			c.doc.Errorf(at, "address %s is not written plainly: write %s", strictyaml.Clip(text), a)
		case slices.Contains(addresses[:i], text):
			c.doc.Errorf(at, "address %s is listed twice: keep one", text)
		}
	}
}
