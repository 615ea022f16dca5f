//go:build servers && linux

package consul

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/consultest"
	"github.com/fettle-io/fettle/internal/netnstest"
	"github.com/fettle-io/fettle/internal/servertest"
)

// left is what is told of three servers of which this one answers, and follows nobody.
func left(one int) func(cluster.View) string {
	return func(v cluster.View) string {
		l, _ := v.Leader()
		want := fmt.Sprintf("leader %s, 3 voters, 3 reachable, margin 1", l.Name)
		for i, m := range v.Members {
			switch {
			case i == one && m.Name == l.Name:
				return "another leader than " + l.Name
			case i == one:
				want += "; " + m.Name + " replica up true running false lag told"
			case m.Name == l.Name:
				want += "; " + m.Name + leads
			default:
				want += "; " + m.Name + follows
			}
		}
		return want
	}
}

// The cells in which servers do not hear each other, and the exporter hears all.
func TestTruthApart(t *testing.T) {
	t.Parallel() // mostly, it waits for the servers
	hosts := netnstest.Start(t, 3)
	c := consultest.StartApart(t, hosts, []string{hosts[0].Address, hosts[1].Address, hosts[2].Address})
	d := driverOf(t, c, cluster.Login{})

	in := func(t *testing.T) (leader int) {
		t.Helper()
		v := until(t, d, wanted())
		l, _ := v.Leader()
		return slices.IndexFunc(v.Members, func(m cluster.MemberView) bool { return m.Name == l.Name })
	}
	t.Run("idle leader", func(t *testing.T) {
		last := uint64(0)
		servertest.Until(t, d.View, func(v cluster.View) string { // two looks between which nothing was written
			l, _ := v.Leader()
			text := fmt.Sprintf("%s; written between %v", told(v), l.Commit != last)
			last = l.Commit
			for _, m := range v.Members {
				if m.Sync.Entries != nil {
					text += fmt.Sprintf("; %v", *m.Sync.Entries)
				}
			}
			return text
		}, func(v cluster.View) string { return wanted()(v) + "; written between false; 0; 0; 0" })
	})
	t.Run("follower cut off", func(t *testing.T) {
		leader := in(t)
		one := (leader + 1) % 3
		hosts[one].Cut()
		until(t, d, left(one))
		hosts[one].Join()
		in(t)
	})
	t.Run("leader cut off", func(t *testing.T) {
		one := in(t)
		hosts[one].Cut()
		until(t, d, left(one))
		hosts[one].Join()
		in(t)
	})
	// Each of the two ends hears the third, which follows one of them: the other is left,
	// be it the one that led.
	gone := -1
	t.Run("link to the leader stopped", func(t *testing.T) {
		leader := in(t)
		one := (leader + 1) % 3
		hosts[one].Deafen(hosts[leader])
		until(t, d, func(v cluster.View) string {
			for _, gone = range []int{leader, one} {
				if left(gone)(v) == told(v) {
					return told(v)
				}
			}
			return left(one)(v) + ", or the other end"
		})
		hosts[one].Hear(hosts[leader])
	})
	t.Run("follower reset", func(t *testing.T) {
		one := gone // who is to come back anyway
		if one < 0 {
			leader := in(t)
			one = (leader + 1) % 3
		}
		c.Servers[one].Kill()
		c.Servers[one].Wipe()
		hosts[one].Cut()
		c.Servers[one].Start()
		// Empty, it is another server, which the others do not know of: they are three
		// still, two of which answer.
		until(t, d, func(v cluster.View) string {
			l, _ := v.Leader()
			want := fmt.Sprintf("leader %s, 3 voters, 2 reachable, margin 0", l.Name)
			for i, m := range v.Members {
				switch {
				case i == one:
					want += "; " + m.Name + " replica up true running false lag told"
				case m.Name == l.Name:
					want += "; " + m.Name + leads
				default:
					want += "; " + m.Name + follows
				}
			}
			return want
		})
		hosts[one].Join()
		// It takes the place of the old one, and has no vote until it was stable for a while.
		servertest.Until(t, d.View, func(v cluster.View) string {
			m := v.Members[one]
			return fmt.Sprintf("%s; learner %v, behind %v", told(v), m.Learner, *cmp.Or(m.Sync.Entries, new(float64)))
		}, func(v cluster.View) string {
			l, _ := v.Leader()
			want := fmt.Sprintf("leader %s, 2 voters, 2 reachable, margin 0", l.Name)
			for _, m := range v.Members {
				if m.Name == l.Name {
					want += "; " + m.Name + leads
				} else {
					want += "; " + m.Name + follows
				}
			}
			return want + "; learner true, behind 0"
		})
	})
}
