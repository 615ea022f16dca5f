package etcd_test

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

func TestHealthy(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	leader, followers := leaderAndFollowers(t, d)
	v := d.View(t.Context())
	if v.Mismatch || len(v.Unlisted) != 0 || v.Cluster != "c" {
		t.Errorf("view: %+v", v)
	}
	if v.Voters() != 3 || v.VotersReachable() != 3 || v.Quorum() != 2 || v.Margin() != 1 || v.LeadersSeen() != 1 {
		t.Errorf("voters %d, reachable %d, quorum %d, margin %d, leaders %d", v.Voters(), v.VotersReachable(), v.Quorum(), v.Margin(), v.LeadersSeen())
	}
	led, _ := v.Member(leader)
	ids := map[string]bool{}
	for _, m := range v.Members {
		if !m.Reachable || m.Error != "" || m.Learner || !m.AlarmsRead || len(m.Alarms) != 0 {
			t.Errorf("%s: %+v", m.Name, m)
		}
		if m.ID == "" || ids[m.ID] || m.Leader != led.ID || m.Term == 0 || m.Commit == 0 || m.Applied == 0 || m.Version == "" || m.DBSize == 0 || m.DBInUse == 0 {
			t.Errorf("%s: %+v", m.Name, m)
		}
		ids[m.ID] = true
		if id, ok := d.MemberID(m.Name); !ok || id != m.ID {
			t.Errorf("%s: remembered ID %q, %v", m.Name, id, ok)
		}
		h, err := d.Health(t.Context(), m.Name)
		if err != nil {
			t.Fatal(err)
		}
		if h.ID != m.ID || h.ClusterID != v.ID || h.Leader != led.ID || !h.Serializable || !h.Linearizable || h.Error != "" {
			t.Errorf("%s: %+v", m.Name, h)
		}
		if client, peer := d.Answers(t.Context(), m.Name); !client || !peer {
			t.Errorf("%s: answers %v, %v", m.Name, client, peer)
		}
		await(t, "peers connected to "+m.Name, func() bool { return d.GoneByPeers(t.Context(), m.Name) == cluster.No })
		p, err := d.PeerMembers(t.Context(), m.Name)
		if err != nil {
			t.Fatal(err)
		}
		seen, ok := d.ClusterID()
		if !ok || seen != v.ID || p.ClusterID != v.ID || len(p.Members) != 3 {
			t.Errorf("%s: cluster ID %q; %+v", m.Name, seen, p)
		}
		if err := p.Expected(c.Inventory("c"), seen); err != nil {
			t.Error(err)
		}
	}
	// The leader hears from a follower all the time.
	before, err := d.ReceivedFrom(t.Context(), followers[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != 2 {
		t.Errorf("received by %v", before)
	}
	await(t, "bytes from a follower", func() bool {
		now, err := d.ReceivedFrom(t.Context(), followers[0])
		return err == nil && now[leader] > before[leader]
	})
}

// A look must not write: once a new cluster has come to rest, its members' indexes
// stay where they are however often it is looked at.
func TestViewWritesNothing(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	indexes := func() map[string]uint64 {
		all := map[string]uint64{}
		for _, m := range d.View(t.Context()).Members {
			all[m.Name] = m.Commit
		}
		return all
	}
	await(t, "twenty looks in a row that change no index", func() bool {
		before := indexes()
		for range 20 {
			d.View(t.Context())
		}
		return maps.Equal(before, indexes())
	})
}

func TestKilled(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	_, followers := leaderAndFollowers(t, d)
	dead := followers[0]
	id, _ := d.MemberID(dead)
	await(t, "peers connected", func() bool { return d.GoneByPeers(t.Context(), dead) == cluster.No })
	if err := c.Kill(dead); err != nil {
		t.Fatal(err)
	}
	v := d.View(t.Context())
	m, _ := v.Member(dead)
	if m.Reachable || m.Error != "refused" {
		t.Errorf("killed: %+v", m)
	}
	if m.ID != id || m.Commit != 0 || m.Leader != "" {
		t.Errorf("killed, wanted its ID %s and nothing stale: %+v", id, m)
	}
	if v.VotersReachable() != 2 || v.Margin() != 0 || v.Mismatch {
		t.Errorf("view: %+v", v)
	}
	if _, ok := v.Leader(); !ok {
		t.Error("no leader")
	}
	if _, err := d.Health(t.Context(), dead); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("health of a dead member: %v", err)
	}
	if client, peer := d.Answers(t.Context(), dead); client || peer {
		t.Errorf("a dead member answers: %v, %v", client, peer)
	}
	await(t, "gone by its peers", func() bool { return d.GoneByPeers(t.Context(), dead) == cluster.Yes })
	if _, err := d.PeerMembers(t.Context(), dead); err == nil {
		t.Error("a dead member told its membership")
	}

	// Looks at a dead member must not delay the first look that sees it again.
	for range 10 {
		d.View(t.Context())
	}
	if err := c.StartMember(dead); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitHealthy(patience(t), dead); err != nil {
		t.Fatal(err)
	}
	if m, _ := d.View(t.Context()).Member(dead); !m.Reachable || m.ID != id {
		t.Errorf("the first look after its start: %+v", m)
	}
}

func TestHung(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	leader, followers := leaderAndFollowers(t, d)
	hung := followers[0]
	if err := c.Hang(patience(t), hung); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*etcd.Driver{d, driver(t, c.Inventory("c"))} { // with a kept connection, and with none
		v := d.View(t.Context())
		if m, _ := v.Member(hung); m.Reachable || m.Error != "timeout" {
			t.Errorf("hung: %+v", m)
		}
		if v.VotersReachable() != 2 {
			t.Errorf("a hung member took others along: %+v", v)
		}
	}
	if client, peer := d.Answers(t.Context(), hung); client || peer {
		t.Errorf("a hung member answers: %v, %v", client, peer)
	}
	if client, peer := d.Answers(t.Context(), leader); !client || !peer {
		t.Errorf("the leader answers: %v, %v", client, peer)
	}
	// What it sent before it hung is read by now; no more may come.
	before, err := d.ReceivedFrom(t.Context(), hung)
	if err != nil {
		t.Fatal(err)
	}
	d.View(t.Context()) // takes as long as a look's deadline: twenty heartbeats
	now, err := d.ReceivedFrom(t.Context(), hung)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(before, now) {
		t.Errorf("bytes from a hung member went from %v to %v", before, now)
	}
	if err := c.Signal(hung, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(t, "the member back", func() bool {
		m, _ := d.View(t.Context()).Member(hung)
		return m.Reachable
	})
}

func TestQuorumLost(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	leader, followers := leaderAndFollowers(t, d)
	seen, _ := d.ClusterID()
	for _, name := range []string{leader, followers[0]} {
		if err := c.Kill(name); err != nil {
			t.Fatal(err)
		}
	}
	last := followers[1]
	await(t, "the loss of the leader", func() bool {
		m, _ := d.View(t.Context()).Member(last)
		return m.Reachable && m.Leader == ""
	})
	v := d.View(t.Context())
	if _, ok := v.Leader(); ok || v.Margin() != -1 || v.Voters() != 3 || v.ID != seen {
		t.Errorf("view: %+v", v)
	}
	h, err := d.Health(t.Context(), last)
	if err != nil {
		t.Fatal(err)
	}
	if h.Linearizable || h.Leader != "" || h.Error == "" {
		t.Errorf("health without a quorum: %+v", h)
	}
	if !h.Serializable {
		t.Errorf("no serializable read: %+v", h)
	}
	if got := d.GoneByPeers(t.Context(), leader); got != cluster.Unknown {
		t.Errorf("a peer without a leader was believed: %s", got)
	}

	// A member that starts without a quorum answers on its peer port only.
	if err := c.Kill(last); err != nil {
		t.Fatal(err)
	}
	if err := c.StartMember(last); err != nil {
		t.Fatal(err)
	}
	var p etcd.PeerView
	await(t, "the membership from its peer port", func() bool {
		p, err = d.PeerMembers(t.Context(), last)
		return err == nil && p.Expected(c.Inventory("c"), seen) == nil // grows while it replays its log
	})
	names := []string{}
	for _, m := range p.Members {
		names = append(names, m.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"m1", "m2", "m3"}) {
		t.Errorf("members %v", names)
	}
	if client, peer := d.Answers(t.Context(), last); client || !peer {
		t.Errorf("without a quorum: answers %v, %v", client, peer)
	}
	if m, _ := d.View(t.Context()).Member(last); m.Reachable || m.Error != "timeout" {
		t.Errorf("without a quorum: %+v", m)
	}
}

func TestAllDown(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	for _, s := range c.Specs() {
		if err := c.Kill(s.Name); err != nil {
			t.Fatal(err)
		}
	}
	v := d.View(t.Context())
	if len(v.Members) != 3 || v.Voters() != 3 || v.VotersReachable() != 0 || v.Margin() != -2 || v.ID != "" {
		t.Errorf("view: %+v", v)
	}
	if _, err := d.ReceivedFrom(t.Context(), "m1"); err == nil {
		t.Error("bytes received, by nobody, from an unknown ID")
	}
	if got := d.GoneByPeers(t.Context(), "m1"); got != cluster.Unknown {
		t.Errorf("gone by no peers: %s", got)
	}
}

// An inventory that names one member's address for another must not pass.
func TestSwappedEndpoints(t *testing.T) {
	c := shared(t)
	inv := c.Inventory("c")
	inv.Members[0].Endpoint, inv.Members[1].Endpoint = inv.Members[1].Endpoint, inv.Members[0].Endpoint
	v := driver(t, inv).View(t.Context())
	for _, name := range []string{"m1", "m2"} {
		if m, _ := v.Member(name); m.Reachable || m.Error != "other" || m.Commit != 0 {
			t.Errorf("%s under another's address: %+v", name, m)
		}
	}
	if m, _ := v.Member("m3"); !m.Reachable {
		t.Errorf("m3: %+v", m)
	}
}

func TestUnlisted(t *testing.T) {
	c := shared(t)
	inv := c.Inventory("c")
	inv.Members = inv.Members[:2]
	v := driver(t, inv).View(t.Context())
	if !slices.Equal(v.Unlisted, []string{"m3"}) || v.Voters() != 3 || v.VotersReachable() != 2 || v.UnlistedLearners != 0 {
		t.Errorf("view: %+v", v)
	}
}
