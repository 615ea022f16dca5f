//go:build servers

package zookeeper

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
	"github.com/fettle-io/fettle/internal/zookeepertest"
)

func driverOf(t *testing.T, e *zookeepertest.Ensemble) *Driver {
	t.Helper()
	inv := cluster.Cluster{Name: "c", Kind: cluster.KindZooKeeper}
	for _, s := range e.Servers {
		inv.Members = append(inv.Members, cluster.Member{Name: s.Name, Endpoint: "zookeeper://" + s.Address})
	}
	d, err := New(inv, Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// wanted is what is told of a View in which all but the gone ones are in order behind a
// leader, with nothing to catch up; with a margin below 0, in which none serves.
func wanted(margin int, gone ...int) func(cluster.View) string {
	return func(v cluster.View) string {
		leader, led := v.Leader()
		if led != (margin >= 0) {
			return "a leader, or none"
		}
		name := "-"
		if led {
			name = leader.Name
		}
		want := fmt.Sprintf("%s, 3 voters, margin %d", name, margin)
		for i, m := range v.Members {
			switch {
			case slices.Contains(gone, i):
				want += " |  up false running false -"
			case margin < 0:
				want += " |  up true running false -"
			case m.Name == name:
				want += " | primary up true running true -"
			default:
				want += " | replica up true running true 0"
			}
		}
		return want
	}
}

// leads is the number of the leader, -1 where nobody leads.
func leads(v cluster.View) int {
	leader, _ := v.Leader()
	return slices.IndexFunc(v.Members, func(m cluster.MemberView) bool { return m.Name == leader.Name })
}

// The cells of the table in docs/collectors/zookeeper.md, on three real servers that
// vote and an observer.
func TestTruth(t *testing.T) {
	t.Parallel() // mostly, it waits for the servers
	e := zookeepertest.Start(t, 3, 1, true)
	d := driverOf(t, e)
	e.Servers[3].Create("first", 10)

	until := func(t *testing.T, margin int, gone ...int) cluster.View {
		t.Helper()
		return servertest.Until(t, d.View, told, wanted(margin, gone...))
	}
	t.Run("both healthy", func(t *testing.T) {
		v := until(t, 1)
		for i, m := range v.Members {
			detail, ok := m.Detail.(*Member)
			if !ok || m.Learner != (i == 3) || detail.Znodes == nil || detail.OpenFiles == nil || (detail.Synced != nil) != (detail.Mode == "leader") {
				t.Errorf("%s: %+v", m.Name, m.Detail)
			}
		}
	})
	t.Run("observer killed", func(t *testing.T) {
		until(t, 1)
		e.Servers[3].Kill()
		until(t, 1, 3)
		e.Servers[3].Start()
		until(t, 1)
	})
	t.Run("follower killed", func(t *testing.T) {
		one := (leads(until(t, 1)) + 1) % 3
		e.Servers[one].Kill()
		v := until(t, 0, one)
		if v.Members[one].Error != cluster.Refused {
			t.Errorf("%+v", v.Members[one])
		}
		e.Servers[(one+1)%3].Create("without", 5)
		e.Servers[one].Start()
		v = until(t, 1)
		head := v.Members[leads(v)].Detail.(*Member)
		if got := v.Members[one].Detail.(*Member); got.Counter != head.Counter || got.Epoch != head.Epoch {
			t.Errorf("caught up to %d.%d, the leader is at %d.%d", got.Epoch, got.Counter, head.Epoch, head.Counter)
		}
	})
	t.Run("follower frozen", func(t *testing.T) {
		one := (leads(until(t, 1)) + 1) % 3
		e.Servers[one].Freeze()
		v := until(t, 0, one)
		if v.Members[one].Error != cluster.Timeout {
			t.Errorf("%+v", v.Members[one])
		}
		e.Servers[one].Thaw()
		until(t, 1)
	})
	// After an election the transactions are counted anew: until the first one, the
	// lag of who has only those of the epoch before is absent.
	t.Run("leader frozen", func(t *testing.T) {
		one := leads(until(t, 1))
		e.Servers[one].Freeze()
		v := servertest.Until(t, d.View, func(v cluster.View) string {
			leader, led := v.Leader()
			return fmt.Sprint(led && leader.Reachable && leads(v) != one)
		}, func(cluster.View) string { return "true" })
		e.Servers[leads(v)].Create("anew", 1)
		until(t, 0, one)
		e.Servers[one].Thaw()
		until(t, 1)
	})
	t.Run("no quorum", func(t *testing.T) {
		leader := leads(until(t, 1))
		rest := (leader + 1) % 3
		gone := []int{leader, 3 - leader - rest}
		for _, i := range gone {
			e.Servers[i].Kill()
		}
		until(t, -1, gone...)
		for _, i := range gone {
			e.Servers[i].Start()
		}
		for _, s := range e.Servers {
			s.Serves()
		}
		e.Servers[rest].Create("again", 1)
		until(t, 1)
	})
}

// Without the word mntr, which is not allowed by default, only the counts are absent.
func TestDefaultWords(t *testing.T) {
	e := zookeepertest.Start(t, 1, 0, false)
	d := driverOf(t, e)
	v := servertest.Until(t, d.View, told, func(cluster.View) string { return "z1, 1 voters, margin 0 | primary up true running true -" })
	if m, ok := v.Members[0].Detail.(*Member); !ok || m.Znodes != nil || m.Mode != "standalone" || v.Members[0].Version == "" {
		t.Errorf("%+v", v.Members[0])
	}
}
