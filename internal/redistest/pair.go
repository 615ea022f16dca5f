package redistest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

// Set is a primary and its replicas. Each replica reaches the primary through a relay
// of its own.
type Set struct {
	Primary  *Server
	Replicas []*Server
	Relays   []*servertest.Relay
}

// Replicated starts a primary and n replicas, and waits until these have everything.
// The lines are in the configuration of all of them.
func Replicated(t testing.TB, n int, lines ...string) *Set {
	t.Helper()
	set := &Set{Primary: Start(t, "r0", lines...)}
	for i := range n {
		relay, err := servertest.NewRelay(set.Primary.Address)
		must(t, err)
		t.Cleanup(relay.Close)
		set.Relays = append(set.Relays, relay)
		set.Replicas = append(set.Replicas, Start(t, fmt.Sprint("r", i+1), append(lines, fmt.Sprint("replicaof 127.0.0.1 ", relay.Port))...))
	}
	for _, r := range set.Replicas {
		Await(t, r.Name+" is in sync", func() bool { return strings.Contains(r.Do("INFO", "replication"), "master_link_status:up") })
	}
	return set
}

// Servers are all of them, the first primary first.
func (s *Set) Servers() []*Server { return append([]*Server{s.Primary}, s.Replicas...) }

// Inventory is the set as a configuration would name it.
func (s *Set) Inventory(name string) cluster.Cluster {
	c := cluster.Cluster{Name: name, Kind: cluster.KindRedis}
	for _, r := range s.Servers() {
		c.Members = append(c.Members, cluster.Member{Name: r.Name, Host: "localhost", Endpoint: "redis://" + r.Address})
	}
	return c
}
