//go:build servers

package redis

import (
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/redistest"
)

// watched is a primary, two replicas and three Sentinels, of which two must agree. The
// replicas reach the primary without a relay: Sentinels would lead them past it.
func watched(t testing.TB) (servers, sentinels []*redistest.Server, c cluster.Cluster) {
	t.Helper()
	primary := redistest.Start(t, "r0")
	follow := "replicaof " + strings.ReplaceAll(primary.Address, ":", " ")
	servers = []*redistest.Server{primary, redistest.Start(t, "r1", follow), redistest.Start(t, "r2", follow)}
	set := &redistest.Set{Primary: servers[0], Replicas: servers[1:]}
	c = set.Inventory("c")
	c.Redis.Master, c.Redis.MaxSilence = "main", silence
	for _, name := range []string{"s0", "s1", "s2"} {
		s := redistest.Sentinel(t, name, primary.Address, 2)
		sentinels, c.Redis.Sentinels = append(sentinels, s), append(c.Redis.Sentinels, s.Address)
	}
	return servers, sentinels, c
}

// votes counts the Sentinels that answer, and of them those that say so.
func votes(v cluster.View, say func(*Sentinel) bool) (yes, all int) {
	for _, w := range v.Witnesses {
		if s, ok := w.Detail.(*Sentinel); ok {
			all++
			if say(s) {
				yes++
			}
		}
	}
	return yes, all
}

func TestFailover(t *testing.T) {
	servers, sentinels, c := watched(t)
	d := driver(t, c)
	await(t, d, "the Sentinels know one another and the replicas", func(v cluster.View) bool {
		yes, _ := votes(v, func(s *Sentinel) bool {
			return s.Primary == "r0" && s.Usable && s.Others == 2 && s.Replicas == 2 && len(s.Down) == 0
		})
		return yes == 3 && v.Detail.(*Summary).Agreed && strings.Contains(shown(v), "r2: replica up running from r0")
	})

	servers[0].Freeze()
	// The frozen primary still is one: it does not know better.
	await(t, d, "a quorum holds the primary for down, and fails over", func(v cluster.View) bool {
		s := v.Detail.(*Summary)
		yes, _ := votes(v, func(s *Sentinel) bool { return s.Primary == "r1" || s.Primary == "r2" })
		return yes == 3 && s.Agreed && s.Primaries == 1 && !v.Members[0].Sync.Up && running(v) == 2
	})

	servers[0].Thaw()
	await(t, d, "the old primary follows the new one", func(v cluster.View) bool {
		yes, _ := votes(v, func(s *Sentinel) bool { return s.Epoch >= 1 && len(s.Down) == 0 })
		return yes == 3 && v.Members[0].Sync.Role == cluster.Replica && running(v) == 3 && v.Detail.(*Summary).Agreed
	})

	// One Sentinel alone is no majority, though the cluster works.
	sentinels[1].Kill()
	sentinels[2].Freeze()
	await(t, d, "one Sentinel is left", func(v cluster.View) bool {
		usable, all := votes(v, func(s *Sentinel) bool { return s.Usable })
		return all == 1 && usable == 0 && !v.Detail.(*Summary).Agreed && running(v) == 3 &&
			v.Witnesses[1].Error == cluster.Refused && v.Witnesses[2].Error == cluster.Timeout
	})
	sentinels[2].Thaw()
}

func running(v cluster.View) (n int) {
	for _, m := range v.Members {
		if m.Sync.Running {
			n++
		}
	}
	return n
}

// A server is no Sentinel and the other way round, and a name that a Sentinel does not watch.
func TestConfused(t *testing.T) {
	server := redistest.Start(t, "r0")
	sentinel := redistest.Sentinel(t, "s0", server.Address, 1)
	c := cluster.Cluster{
		Name: "c", Kind: cluster.KindRedis, Members: []cluster.Member{{Name: "r0", Endpoint: "redis://" + sentinel.Address}},
		Redis: cluster.Redis{Sentinels: []string{server.Address, sentinel.Address}, Master: "other"},
	}
	v := patient(t, c).View(t.Context())
	for _, tc := range []struct {
		member       cluster.MemberView
		reason, text string
	}{
		{v.Members[0], cluster.BadProtocol, "this is a Sentinel"},
		{v.Witnesses[0], cluster.BadProtocol, "this is no Sentinel"},
		{v.Witnesses[1], cluster.Other, "No such master"},
	} {
		if tc.member.Error != tc.reason || !strings.Contains(tc.member.Why, tc.text) {
			t.Errorf("%s: %q %s, want %q %s", tc.member.Name, tc.member.Error, tc.member.Why, tc.reason, tc.text)
		}
	}
}
