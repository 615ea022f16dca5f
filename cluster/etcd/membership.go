package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
)

// PeerView is the membership as a member's peer port tells it, quorum or not.
type PeerView struct {
	ClusterID string       `json:"cluster_id"` // hex
	Members   []PeerMember `json:"members"`
}

// PeerMember is one member in a PeerView.
type PeerMember struct {
	ID       string   `json:"id"`   // hex
	Name     string   `json:"name"` // empty until it started once
	PeerURLs []string `json:"peer_urls"`
	Learner  bool     `json:"learner,omitempty"`
}

func (e PeerMember) label() string {
	if e.Name != "" {
		return e.Name
	}
	return e.ID
}

func (e PeerMember) at(peer string) bool {
	return peer != "" && slices.ContainsFunc(e.PeerURLs, func(u string) bool {
		return strings.TrimSuffix(u, "/") == strings.TrimSuffix(peer, "/")
	})
}

// Expected tells, by a nil error, that the view is of the cluster c: it has every
// member of the inventory, by name or peer URL and never by one against the
// other, with its pinned ID if one is pinned, and the cluster ID that was seen
// before, if one was. A member that replays its log names its members one after
// the other: look again before an error is believed.
func (v PeerView) Expected(c cluster.Cluster, clusterID string) error {
	if clusterID != "" && v.ClusterID != clusterID {
		return fmt.Errorf("cluster %q: cluster ID is %s, seen before was %s", c.Name, v.ClusterID, clusterID)
	}
	for _, m := range c.Members {
		e, ok := match(v.Members, m)
		if !ok {
			return fmt.Errorf("cluster %q: the membership lacks %q: found %s", c.Name, m.Name, v.names())
		}
		if m.MemberID != "" && e.ID != m.MemberID {
			return fmt.Errorf("cluster %q: member %q has ID %s, pinned is %s", c.Name, m.Name, e.ID, m.MemberID)
		}
		for _, o := range v.Members {
			if o.ID != e.ID && (o.Name == m.Name || o.at(m.Peer)) {
				return fmt.Errorf("cluster %q: name and peer URL of member %q belong to two members, %s and %s", c.Name, m.Name, e.ID, o.ID)
			}
		}
	}
	return nil
}

func (v PeerView) names() string {
	var names []string
	for _, e := range v.Members {
		names = append(names, e.label())
	}
	return strings.Join(names, ", ")
}

// PeerMembers asks the member's peer port for its membership. It is answered
// without a quorum, where the client port is not.
func (d *Driver) PeerMembers(ctx context.Context, member string) (PeerView, error) {
	m, ok := d.member(member)
	if !ok {
		return PeerView{}, d.unknown(member)
	}
	v, err := d.peerMembers(ctx, m)
	if err != nil {
		return PeerView{}, fmt.Errorf("cluster %q, member %q: membership from its peer port: %w", d.cluster.Name, m.Name, err)
	}
	return v, nil
}

func (d *Driver) peerMembers(ctx context.Context, m *member) (PeerView, error) {
	if m.Peer == "" {
		return PeerView{}, errors.New("no `peer` URL in the inventory")
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	resp, err := d.get(ctx, strings.TrimSuffix(m.Peer, "/")+"/members")
	if err != nil {
		return PeerView{}, err
	}
	defer resp.Body.Close()
	var list []struct {
		ID       uint64   `json:"id"`
		Name     string   `json:"name"`
		PeerURLs []string `json:"peerURLs"`
		Learner  bool     `json:"isLearner"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return PeerView{}, fmt.Errorf("not a membership: %w", err)
	}
	v := PeerView{ClusterID: resp.Header.Get("X-Etcd-Cluster-Id")}
	for _, e := range list {
		v.Members = append(v.Members, PeerMember{ID: hexID(e.ID), Name: e.Name, PeerURLs: e.PeerURLs, Learner: e.Learner})
	}
	return v, nil
}

func entries(l *look) []PeerMember {
	if l == nil {
		return nil
	}
	list := make([]PeerMember, 0, len(l.list))
	for _, m := range l.list {
		list = append(list, PeerMember{ID: hexID(m.GetID()), Name: m.GetName(), PeerURLs: m.GetPeerURLs(), Learner: m.GetIsLearner()})
	}
	return list
}

// match finds an inventory member in a membership: by its pinned ID, else by
// name, else by peer URL (a member that never started has no name there).
func match(list []PeerMember, m cluster.Member) (PeerMember, bool) {
	for _, is := range []func(PeerMember) bool{
		func(e PeerMember) bool { return m.MemberID != "" && e.ID == m.MemberID },
		func(e PeerMember) bool { return e.Name == m.Name },
		func(e PeerMember) bool { return e.at(m.Peer) },
	} {
		if i := slices.IndexFunc(list, is); i >= 0 {
			return list[i], true
		}
	}
	return PeerMember{}, false
}
