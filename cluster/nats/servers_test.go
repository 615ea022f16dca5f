//go:build servers

package nats

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/natstest"
	"github.com/fettle-io/fettle/internal/servertest"
)

// wanted is what is told of a View with these gone, in a quorum or not: of another leader
// than one of them, where there is one.
func wanted(margin int, gone ...int) func(cluster.View) string {
	return func(v cluster.View) string {
		leader, led := v.Leader()
		if led != (margin >= 0) || led && slices.ContainsFunc(gone, func(i int) bool { return v.Members[i].Name == leader.Name }) {
			return "another leader, or none"
		}
		name := "-"
		if led {
			name = leader.Name
		}
		want := fmt.Sprintf("%s, margin %d", name, margin)
		for i, m := range v.Members {
			switch {
			case slices.Contains(gone, i):
				want += " |  false -"
			case margin < 0:
				want += " | replica false -"
			case m.Name == name:
				want += " | primary true 0"
			default:
				want += " | replica true 0"
			}
		}
		return want
	}
}

// roles are the servers that lead the meta group and the stream, and one that leads
// neither, if there is one.
func roles(v cluster.View) (meta, stream, none int) {
	none = -1
	for i, m := range v.Members {
		detail, ok := m.Detail.(*Member)
		switch leads := ok && len(detail.Streams) == 1 && detail.Streams[0].Leads; {
		case m.Sync.Role == cluster.Primary:
			meta = i
			if leads {
				stream = i
			}
		case leads:
			stream = i
		default:
			none = i
		}
	}
	return meta, stream, none
}

// The cells of the table in docs/collectors/nats.md, on three real servers and a stream
// of three replicas.
func TestTruth(t *testing.T) {
	t.Parallel() // mostly, it waits for the servers
	c := natstest.Start(t, 3)
	inv := cluster.Cluster{Name: "c", Kind: cluster.KindNATS}
	for _, s := range c.Servers {
		inv.Members = append(inv.Members, cluster.Member{Name: s.Name, Endpoint: s.URL})
	}
	d, err := New(inv, Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	c.Servers[0].Stream("orders", 3)
	c.Servers[0].Publish("orders", 20)

	until := func(t *testing.T, margin int, gone ...int) cluster.View {
		t.Helper()
		return servertest.Until(t, d.View, told, wanted(margin, gone...))
	}
	t.Run("both healthy", func(t *testing.T) {
		v := until(t, 1)
		for _, m := range v.Members {
			r := m.Detail.(*Member).Streams[0]
			if r.Name != "orders" || r.Account != "$G" || r.Last != 20 || r.Replicas != 3 || (r.Behind == nil) != r.Leads {
				t.Errorf("%s: %+v", m.Name, r)
			}
		}
	})
	t.Run("replica killed", func(t *testing.T) {
		_, _, one := roles(until(t, 1))
		c.Servers[one].Kill()
		v := until(t, 0, one)
		if v.Members[one].Error != cluster.Refused {
			t.Errorf("%+v", v.Members[one])
		}
		c.Servers[(one+1)%3].Publish("orders", 5)
		c.Servers[one].Start()
		v = until(t, 1)
		if r := v.Members[one].Detail.(*Member).Streams[0]; r.Last != 25 {
			t.Errorf("caught up to %d", r.Last)
		}
	})
	t.Run("replica frozen", func(t *testing.T) {
		_, _, one := roles(until(t, 1))
		c.Servers[one].Freeze()
		v := until(t, 0, one)
		if v.Members[one].Error != cluster.Timeout {
			t.Errorf("%+v", v.Members[one])
		}
		c.Servers[one].Thaw()
	})
	t.Run("meta leader killed", func(t *testing.T) {
		one, _, _ := roles(until(t, 1))
		c.Servers[one].Kill()
		until(t, 0, one)
		c.Servers[one].Start()
	})
	t.Run("leader of the stream frozen", func(t *testing.T) {
		_, one, _ := roles(until(t, 1))
		c.Servers[one].Freeze()
		until(t, 0, one)
		c.Servers[one].Thaw()
	})
	t.Run("no quorum", func(t *testing.T) {
		until(t, 1)
		c.Servers[0].Kill()
		c.Servers[1].Kill()
		until(t, -1, 0, 1)
		c.Servers[0].Start()
		c.Servers[1].Start()
		until(t, 1)
	})
}
