package inventory

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestKeepalived(t *testing.T) {
	cs, err := checked("clusters:\n- name: edge\n  kind: keepalived\n  keepalived: {addresses: [10.0.0.100, '2001:db8::100']}\n"+
		"  members: [{name: a, host: a, endpoint: 'unix:///run/dbus/system_bus_socket'}, {name: b, host: b, endpoint: 'unix:///run/dbus/system_bus_socket'}]", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c := cs[0]; c.Kind != cluster.KindKeepalived || len(c.Keepalived.Addresses) != 2 || c.Members[1].Endpoint != "unix:///run/dbus/system_bus_socket" {
		t.Errorf("%+v", c)
	}
	const begin, member = "clusters:\n- name: edge\n  kind: keepalived\n", "\n  members: [{name: a, host: a, endpoint: 'unix:///b'}]"
	for name, tc := range map[string]struct{ in, want string }{
		"of another kind": {"clusters:\n- name: lb\n  kind: haproxy\n  keepalived: {addresses: [10.0.0.1]}\n  members: [{name: a, endpoint: 'unix:///b'}]", `4:15: keepalived is for clusters of kind keepalived: leave it out`},
		"a prefix":        {begin + "  keepalived: {addresses: [10.0.0.1/24]}" + member, `4:28: address "10.0.0.1/24" is no IP address: write it alone, without a prefix length, an interface or a name, such as 10.0.0.100`},
		"a zone":          {begin + "  keepalived: {addresses: ['fe80::1%e0']}" + member, `4:28: address "fe80::1%e0" is no IP address: write it alone, without a prefix length, an interface or a name, such as 10.0.0.100`},
		"loopback":        {begin + "  keepalived: {addresses: [127.0.0.1]}" + member, `4:28: address "127.0.0.1" is not one that machines hold in turn`},
		"not plainly":     {begin + "  keepalived: {addresses: ['2001:DB8:0::1']}" + member, `4:28: address "2001:DB8:0::1" is not written plainly: write 2001:db8::1`},
		"twice":           {begin + "  keepalived: {addresses: [10.0.0.1, 10.0.0.1]}" + member, `4:38: address 10.0.0.1 is listed twice: keep one`},
		"a port":          {begin + "  members: [{name: a, endpoint: 'tcp://a:1'}]", `4:33: endpoint "tcp://a:1" is nothing that can be asked: write it like unix:///run/dbus/system_bus_socket`},
		"no path":         {begin + "  members: [{name: a, host: a, endpoint: 'unix://bus'}]", `4:42: endpoint "unix://bus" is not absolute: write the whole path, from / on`},
		"one machine":     {begin + "  members: [{name: a, host: h, endpoint: 'unix:///b'}, {name: b, host: h, endpoint: 'unix:///b'}]", `4:85: members "a" and "b" of the cluster have the same endpoint: each has its own`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checked(tc.in, Options{})
			if err == nil {
				t.Fatal("was taken")
			}
			if got, want := err.Error(), "f.yml:"+tc.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
