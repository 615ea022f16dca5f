//go:build servers

package consul

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/consultest"
	"github.com/fettle-io/fettle/internal/servertest"
)

func driverOf(t *testing.T, c *consultest.Centre, read cluster.Login) *Driver {
	t.Helper()
	inv := cluster.Cluster{Name: "dc1", Kind: cluster.KindConsul, Read: read}
	for _, s := range c.Servers {
		inv.Members = append(inv.Members, cluster.Member{Name: s.Name, Host: s.Address, Endpoint: s.URL})
	}
	d, err := New(inv, Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// told is what the raft and sync collectors publish of a View.
func told(v cluster.View) string {
	leader := "-"
	if l, ok := v.Leader(); ok {
		leader = l.Name
	}
	text := fmt.Sprintf("leader %s, %d voters, %d reachable, margin %d", leader, v.Voters(), v.VotersReachable(), v.Margin())
	for _, m := range v.Members {
		lag := "-"
		if m.Sync.Entries != nil {
			lag = "told"
		}
		text += fmt.Sprintf("; %s %s up %v running %v lag %s", m.Name, m.Sync.Role, m.Sync.Up, m.Sync.Running, lag)
	}
	return text
}

// until looks until it is told what is wanted.
func until(t *testing.T, d *Driver, want func(cluster.View) string) cluster.View {
	t.Helper()
	return servertest.Until(t, d.View, told, want)
}

func is(want string) func(cluster.View) string { return func(cluster.View) string { return want } }

const (
	leads   = " primary up true running true lag told"
	follows = " replica up true running true lag told"
	silent  = "  up false running false lag -"
	lost    = " replica up true running false lag -"
)

// wanted is what is told of three servers while these are gone, and one of the rest leads.
func wanted(gone ...int) func(cluster.View) string {
	return func(v cluster.View) string {
		l, _ := v.Leader()
		want := fmt.Sprintf("leader %s, 3 voters, %d reachable, margin %d", l.Name, 3-len(gone), 1-len(gone))
		for i, m := range v.Members {
			switch {
			case slices.Contains(gone, i) && m.Name == l.Name:
				return "another leader than " + l.Name
			case slices.Contains(gone, i):
				want += "; " + m.Name + silent
			case m.Name == l.Name:
				want += "; " + m.Name + leads
			default:
				want += "; " + m.Name + follows
			}
		}
		return want
	}
}

// The cells of the table in docs/collectors/consul.md, on three real servers.
func TestTruth(t *testing.T) {
	t.Parallel() // mostly, it waits for the servers
	c := consultest.Start(t, 3, "")
	d := driverOf(t, c, cluster.Login{})

	// in waits until all three are in order, and says who leads.
	in := func(t *testing.T) int {
		t.Helper()
		v := until(t, d, wanted())
		l, _ := v.Leader()
		return slices.IndexFunc(v.Members, func(m cluster.MemberView) bool { return m.Name == l.Name })
	}
	t.Run("both healthy", func(t *testing.T) {
		leader := in(t)
		v := servertest.Until(t, d.View, func(v cluster.View) string {
			m, ok := v.Members[leader].Detail.(*Member)
			return fmt.Sprint(told(v), ok && m.Autopilot != nil && m.Autopilot.Healthy && len(m.Autopilot.Servers) == 3)
		}, func(v cluster.View) string { return fmt.Sprint(wanted()(v), true) }) // autopilot comes to hold all for healthy
		m := v.Members[leader].Detail.(*Member)
		if m.Autopilot.FailureTolerance != 1 || m.LastContact != nil || m.Serf["alive"] != 3 || m.LastLog == nil || m.Snapshot == nil || m.Pending == nil {
			t.Errorf("the leader tells %+v, autopilot %+v", m, m.Autopilot)
		}
		if m.ElectionTimeout == nil || *m.ElectionTimeout < 500*time.Millisecond || m.HeartbeatTimeout == nil || *m.HeartbeatTimeout < 500*time.Millisecond {
			t.Errorf("the leader tells no time-outs: %v, %v", m.ElectionTimeout, m.HeartbeatTimeout)
		}
		follower, ok := v.Members[(leader+1)%3].Detail.(*Member)
		if !ok || follower.LastContact == nil || *follower.LastContact > 10*time.Second || follower.State != "Follower" || follower.Autopilot != nil {
			t.Errorf("a follower tells %+v", follower)
		}
		if v.Mismatch || len(v.Unlisted) != 0 || v.Members[0].Version == "" {
			t.Errorf("%+v", v)
		}
	})
	t.Run("follower killed", func(t *testing.T) {
		gone := (in(t) + 1) % 3
		c.Servers[gone].Kill()
		until(t, d, wanted(gone))
		c.Servers[gone].Start()
	})
	t.Run("follower frozen", func(t *testing.T) {
		gone := (in(t) + 1) % 3
		c.Servers[gone].Freeze()
		v := until(t, d, wanted(gone))
		if v.Members[gone].Error != cluster.Timeout {
			t.Errorf("%+v", v.Members[gone])
		}
		c.Servers[gone].Thaw()
	})
	t.Run("leader frozen", func(t *testing.T) {
		gone := in(t)
		c.Servers[gone].Freeze()
		until(t, d, wanted(gone))
		c.Servers[gone].Thaw()
	})
	t.Run("leader killed", func(t *testing.T) {
		gone := in(t)
		c.Servers[gone].Kill()
		until(t, d, wanted(gone))
		c.Servers[gone].Start()
	})
	t.Run("no quorum", func(t *testing.T) {
		leader := in(t)
		rest := (leader + 1) % 3
		for i, s := range c.Servers {
			if i != rest {
				s.Kill()
			}
		}
		until(t, d, func(v cluster.View) string {
			want := "leader -, 3 voters, 1 reachable, margin -1"
			for i, m := range v.Members {
				if i == rest {
					want += "; " + m.Name + lost
				} else {
					want += "; " + m.Name + silent
				}
			}
			return want
		})
		for i, s := range c.Servers {
			if i != rest {
				s.Start()
			}
		}
		in(t)
	})
}

// With exactly the rights of docs/collectors/consul.md everything is told; with none,
// that the token has none.
func TestRights(t *testing.T) {
	const management = "0b0c1a4e-0000-4000-8000-00000000cafe"
	c := consultest.Start(t, 1, fmt.Sprintf(`acl { enabled = true, default_policy = "deny", tokens { initial_management = %q, agent = %q } }`, management, management))
	token := c.Servers[0].Token(management, `agent_prefix "" { policy = "read" } node_prefix "" { policy = "read" } operator = "read"`)
	file := filepath.Join(t.TempDir(), "token")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(token + "\n")
	v := servertest.Until(t, driverOf(t, c, cluster.Login{PasswordFile: file}).View, func(v cluster.View) string {
		m, ok := v.Members[0].Detail.(*Member)
		return fmt.Sprint(told(v), ok && m.Autopilot != nil) // which a new leader does not have at once
	}, is(fmt.Sprint("leader s1, 1 voters, 1 reachable, margin 0; s1"+leads, true)))
	if m, ok := v.Members[0].Detail.(*Member); !ok || m.Autopilot == nil || m.Serf["alive"] != 1 {
		t.Errorf("with the rights: %+v", v.Members[0].Detail)
	}
	const canary = "0b0c1a4e-0000-4000-8000-00000canary0"
	write(canary)
	v = driverOf(t, c, cluster.Login{PasswordFile: file}).View(t.Context())
	if m := v.Members[0]; m.Reachable || m.Error != cluster.BadAuth || strings.Contains(fmt.Sprintf("%+v", v), "canary") {
		t.Errorf("with a token that nobody knows: %+v", m)
	}
}
