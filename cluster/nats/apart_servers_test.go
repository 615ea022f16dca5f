//go:build servers && linux

package nats

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/natstest"
	"github.com/fettle-io/fettle/internal/netnstest"
	"github.com/fettle-io/fettle/internal/servertest"
)

// apart is a cluster with a server on each of these hosts and 20 messages in a stream of
// three replicas.
func apart(t *testing.T, hosts []*netnstest.Host) (*natstest.Cluster, *Driver) {
	t.Helper()
	c := natstest.StartApart(t, hosts, []string{hosts[0].Address, hosts[1].Address, hosts[2].Address})
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
	return c, d
}

// left is what is told of three servers that answer, one of which follows nobody.
func left(v cluster.View, one int) string {
	leader, led := v.Leader()
	if !led || leader.Name == v.Members[one].Name {
		return "another leader"
	}
	want := leader.Name + ", margin 1"
	for i, m := range v.Members {
		switch {
		case i == one:
			want += " | replica false -"
		case m.Name == leader.Name:
			want += " | primary true 0"
		default:
			want += " | replica true 0"
		}
	}
	return want
}

// The cells in which servers do not hear each other, and the exporter hears all. It takes
// a server some seconds to notice, so that two clusters go through them at a time.
func TestTruthApart(t *testing.T) {
	t.Parallel() // mostly, it waits for the servers
	hosts := netnstest.Start(t, 6)
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		c, d := apart(t, hosts[:3])
		t.Run("replica reset", func(t *testing.T) {
			_, _, one := roles(servertest.Until(t, d.View, told, wanted(1)))
			c.Servers[one].Kill()
			c.Servers[one].Wipe()
			hosts[one].Cut()
			c.Servers[one].Start()
			v := servertest.Until(t, d.View, told, func(v cluster.View) string { return left(v, one) })
			if m := v.Members[one].Detail.(*Member); len(m.Streams) != 0 {
				t.Errorf("%+v", m)
			}
			hosts[one].Join()
			// Not in order before it has all again, whatever it names.
			servertest.Until(t, func(ctx context.Context) cluster.View {
				v := d.View(ctx)
				m, _ := v.Members[one].Detail.(*Member)
				if s := v.Members[one].Sync; s.Running && *s.Entries == 0 && (len(m.Streams) != 1 || m.Streams[0].Last != 20) {
					t.Errorf("without the stream it is told to run and to be behind by nothing: %+v", m)
				}
				return v
			}, told, wanted(1))
		})
		t.Run("replica cut off", func(t *testing.T) {
			meta, stream, one := roles(servertest.Until(t, d.View, told, wanted(1)))
			hosts[one].Cut()
			v := servertest.Until(t, d.View, told, func(v cluster.View) string { return left(v, one) })
			if !v.Members[one].Sync.Up || v.Members[meta].Sync.Role != cluster.Primary || !v.Members[stream].Detail.(*Member).Streams[0].Leads {
				t.Errorf("the others go on: %s", told(v))
			}
		})
	})
	t.Run("other", func(t *testing.T) {
		t.Parallel()
		_, d := apart(t, hosts[3:])
		t.Run("idle leader", func(t *testing.T) {
			for range 2 { // nothing is written: nothing changes
				v := servertest.Until(t, d.View, told, wanted(1))
				for _, m := range v.Members {
					if r := m.Detail.(*Member).Streams[0]; r.Last != 20 {
						t.Errorf("%s: %+v", m.Name, r)
					}
				}
			}
		})
		// Each of the two ends hears the third, which follows one of them: the other is
		// left, be it the one that led.
		t.Run("route to the meta leader stopped", func(t *testing.T) {
			meta, _, _ := roles(servertest.Until(t, d.View, told, wanted(1)))
			one := (meta + 1) % 3
			hosts[3+one].Deafen(hosts[3+meta])
			servertest.Until(t, d.View, told, func(v cluster.View) string {
				for _, i := range []int{one, meta} {
					if want := left(v, i); want == told(v) {
						return want
					}
				}
				return fmt.Sprintf("%s, or of n%d", strings.TrimSpace(left(v, one)), meta+1)
			})
		})
	})
}
