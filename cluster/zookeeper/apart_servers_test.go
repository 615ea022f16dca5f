//go:build servers && linux

package zookeeper

import (
	"fmt"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/netnstest"
	"github.com/fettle-io/fettle/internal/servertest"
	"github.com/fettle-io/fettle/internal/zookeepertest"
)

// left is what is told of three servers of which this one answers, and serves nobody.
// Of the others none is behind, or, where the epoch is new, none tells.
func left(one int, lag string) func(cluster.View) string {
	return func(v cluster.View) string {
		leader, led := v.Leader()
		if !led || leads(v) == one {
			return "another leader"
		}
		want := fmt.Sprintf("%s, 3 voters, margin 1", leader.Name)
		for i, m := range v.Members {
			switch {
			case i == one:
				want += " |  up true running false -"
			case m.Name == leader.Name:
				want += " | primary up true running true -"
			default:
				want += " | replica up true running true " + lag
			}
		}
		return want
	}
}

// The cells in which servers do not hear each other, and the exporter hears all.
func TestTruthApart(t *testing.T) {
	t.Parallel() // mostly, it waits for the servers
	hosts := netnstest.Start(t, 3)
	e := zookeepertest.StartApart(t, hosts, []string{hosts[0].Address, hosts[1].Address, hosts[2].Address})
	d := driverOf(t, e)
	e.Servers[0].Create("first", 3)

	in := func(t *testing.T) (leader int) {
		t.Helper()
		return leads(servertest.Until(t, d.View, told, wanted(1)))
	}
	t.Run("idle leader", func(t *testing.T) {
		head := func() string { // of a look in which all have answered
			v := servertest.Until(t, d.View, told, wanted(1))
			return fmt.Sprintf("%+v", v.Members[leads(v)].Detail.(*Member).Counter)
		}
		before := head()
		if after := head(); after != before {
			t.Errorf("nobody writes, and the leader went from %s to %s", before, after)
		}
	})
	t.Run("follower cut off", func(t *testing.T) {
		one := (in(t) + 1) % 3
		hosts[one].Cut()
		servertest.Until(t, d.View, told, left(one, "0"))
		hosts[one].Join()
		in(t)
	})
	t.Run("link to the leader stopped", func(t *testing.T) {
		leader := in(t)
		one := (leader + 1) % 3
		hosts[one].Deafen(hosts[leader])
		servertest.Until(t, d.View, told, left(one, "0"))
		hosts[one].Hear(hosts[leader])
		in(t)
	})
	t.Run("follower reset", func(t *testing.T) {
		one := (in(t) + 1) % 3
		e.Servers[one].Kill()
		e.Servers[one].Wipe()
		hosts[one].Cut()
		e.Servers[one].Start()
		servertest.Until(t, d.View, told, left(one, "0"))
		hosts[one].Join()
		in(t)
	})
	t.Run("leader cut off", func(t *testing.T) {
		one := in(t)
		hosts[one].Cut()
		servertest.Until(t, d.View, told, left(one, "-")) // nothing is written in the new epoch
		hosts[one].Join()
		e.Servers[one].Serves()
		e.Servers[(one+1)%3].Create("anew", 1)
		in(t)
	})
}
