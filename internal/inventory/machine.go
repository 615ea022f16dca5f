package inventory

import (
	"net"
	"os"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Machine is this machine, as inventories name it.
type Machine struct {
	names     []string
	addresses []net.IP
}

// ThisMachine has the names given, its own, whole and short, and the addresses of its
// interfaces. What the system does not tell is not among them.
func ThisMachine(names []string) Machine {
	m := Machine{names: append(slices.Clone(names), "localhost")}
	if h, err := os.Hostname(); err == nil && h != "" {
		m.names = append(m.names, h, short(h))
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return m // then the names have to do
	}
	for _, a := range addresses {
		if own, ok := a.(*net.IPNet); ok {
			m.addresses = append(m.addresses, own.IP)
		}
	}
	return m
}

// Is tells whether a host of the inventory is this machine.
func (m Machine) Is(host string) bool {
	if slices.ContainsFunc(m.names, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || slices.ContainsFunc(m.addresses, ip.Equal))
}

// Like is the name of this machine that a host differs from in its domain alone: web1
// and web1.example.com may be one machine, or two. "": there is none.
func (m Machine) Like(host string) string {
	if m.Is(host) || net.ParseIP(host) != nil {
		return ""
	}
	for _, name := range m.names {
		if net.ParseIP(name) == nil && strings.EqualFold(short(name), short(host)) {
			return name
		}
	}
	return ""
}

func short(host string) string {
	s, _, _ := strings.Cut(host, ".")
	return s
}

// OnItsMachine tells that a member of a cluster can be looked at from its own machine
// alone: it answers at a socket or in a file, or systemd tells of it.
func OnItsMachine(kind cluster.Kind, m cluster.Member) bool {
	return m.Local() || kind == cluster.KindService && m.Unit != "" && !m.Commands.Declared()
}

// ReadsOnMachines tells that values or file trees of a cluster are declared, which are
// read on the members' own machines.
func (e Exporter) ReadsOnMachines(name string) bool {
	return slices.ContainsFunc(e.Values, func(v Value) bool { return v.Cluster == name && !v.Version }) ||
		slices.ContainsFunc(e.Trees, func(t Tree) bool { return t.Cluster == name })
}

// NotRecognised warns of members at which something is looked at from their own machine
// alone, and whose host may be this one under a name that it does not know: nobody would
// look.
func (e Exporter) NotRecognised(here Machine) []strictyaml.Error {
	var all []strictyaml.Error
	for i, c := range e.Clusters {
		for j, m := range c.Members {
			like := here.Like(m.Host)
			if like == "" || !OnItsMachine(c.Kind, m) && !e.ReadsOnMachines(c.Name) {
				continue
			}
			all = append(all, strictyaml.Error{
				Position: e.at(strictyaml.Path{"clusters", i, "members", j, "host"}),
				What: "host " + m.Host + " is not known to be this machine, whose name is " + like + ": if it is, write " + like +
					" or start fettle_exporter with --host.name=" + m.Host + "; otherwise no exporter looks at member " + m.Name + " of cluster " + c.Name + " here",
			})
		}
	}
	return all
}

// at is where something stands in the file.
func (e Exporter) at(path strictyaml.Path) strictyaml.Position {
	if e.doc == nil {
		return strictyaml.Position{}
	}
	return e.doc.Position(path)
}
