package online

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/repair"
)

// lookTimeout bounds the look at one member: more than the engine gives it, so that a
// slow one is told from one that is not there.
const lookTimeout = 3 * time.Second

// members reaches every member of every cluster with a quorum.
func (o Options) members(ctx context.Context, f *found) {
	for _, c := range o.Config.Clusters {
		if c.Kind != cluster.KindEtcd {
			continue
		}
		d, err := etcd.New(c, etcd.Options{Timeout: lookTimeout})
		if err != nil {
			f.problem("members", c.Name, "correct the cluster's tls in fettle.yml", "%v", err)
			continue
		}
		o.cluster(ctx, f, c, d)
		_ = d.Close() // only asked
	}
}

func (o Options) cluster(ctx context.Context, f *found, c cluster.Cluster, d *etcd.Driver) {
	v := d.View(ctx)
	peers, fronts := make([]bool, len(c.Members)), make([]etcd.Front, len(c.Members))
	var all sync.WaitGroup
	for i, m := range c.Members {
		all.Go(func() { _, peers[i] = d.Answers(ctx, m.Name) })
		all.Go(func() { fronts[i], _ = d.Front(ctx, m.Name) }) //nolint:errcheck // the View tells who does not answer
	}
	all.Wait()
	for i, m := range v.Members {
		where, entry := c.Name+"/"+m.Name, c.Members[i]
		switch {
		case !m.Reachable:
			f.problem("members", where, unreached(m.Error, entry), "%s did not answer: %s", entry.Endpoint, m.Error)
			continue
		case entry.MemberID == "":
			f.warn("members", where, "pin it: member_id: "+m.ID+" in fettle.yml, so that another one that answers there is not taken for it", "%s answers: etcd %s, member ID %s, which is not pinned", entry.Endpoint, m.Version, m.ID)
		default:
			f.ok("members", where, "%s answers: etcd %s, member ID %s as pinned", entry.Endpoint, m.Version, m.ID)
		}
		if !peers[i] {
			f.problem("members", where, "is `peer` its peer URL (etcd's --initial-advertise-peer-urls), and does a firewall let this machine through?", "its peer port %s does not answer: fettle could not tell whether it hangs, nor that it started without a quorum", entry.Peer)
		}
		if len(m.Alarms) > 0 {
			f.problem("members", where, "docs/alerts/FettleRaftNoSpace.md and FettleRaftCorrupt.md say what to do", "it raises the alarm %s", strings.Join(m.Alarms, ", "))
		}
		f.clock(where, fronts[i].Date, fronts[i].Asked, fronts[i].Took)
		f.certificate(where+" "+entry.Endpoint, fronts[i].CertificateEnd, time.Now())
	}
	if v.Mismatch {
		f.problem("members", c.Name, "are these endpoints of one cluster? etcdctl member list on each", "members name different clusters or memberships")
	}
	if _, ok := v.Leader(); !ok {
		f.problem("members", c.Name, "docs/alerts/FettleRaftNoLeader.md says what to do", "no leader is seen by a quorum of its members")
	}
	if len(v.Unlisted) > 0 {
		f.problem("members", c.Name, "add them to fettle.yml and exporter.yml (fettle init shows how they are written), or take them out of the cluster", "it has members that the inventory does not: %s", strings.Join(v.Unlisted, ", "))
	}
}

// unreached is what to do about a member that did not answer.
func unreached(reason string, m cluster.Member) string {
	switch reason {
	case "refused":
		return "nobody listens there: is it running, and is `endpoint` its client URL?"
	case "timeout":
		return "is it the right address, and does a firewall let this machine through?"
	case "tls":
		return "the cluster's tls.ca_file must be the CA of its certificate, which must name the host in `endpoint`; is it https at all?"
	case "auth":
		return "the cluster's read.username needs a role that may read, and read.password_file its password"
	}
	if m.MemberID != "" {
		return "does another member answer there? its pinned member_id is " + m.MemberID + "; a member that was removed and added again has a new one"
	}
	return "is `endpoint` its client URL?"
}

// services asks each member's service manager, where fettle may ever act on it.
func (o Options) services(ctx context.Context, f *found) {
	for _, c := range o.Config.Clusters {
		for _, m := range c.Members {
			where := c.Name + "/" + m.Name
			if !m.Commands.Declared() && (m.Unit == "" || !o.Config.Local(m.Host)) {
				if o.acts(c) {
					f.warn("services", where, "fill in `unit` (a member on this machine) or `commands` in fettle.yml", "nothing says what runs it: its repairs end blocked(agent)")
				}
				continue
			}
			s, err := o.Services.Status(ctx, cluster.Target{Cluster: c, Member: m})
			switch {
			case err != nil:
				f.problem("services", where, "correct `unit` or `commands` in fettle.yml; as which user did you ask?", "its service manager did not tell: %v", err)
			case s.State == cluster.ServiceUnknown:
				f.problem("services", where, "run the declared status command by hand, as fettle's user", "its service manager cannot tell how it is: %s", s.Error)
			default:
				f.ok("services", where, "its service manager says %s", s.State)
			}
		}
	}
}

// acts tells whether any playbook may do more than observe there.
func (o Options) acts(c cluster.Cluster) bool {
	for _, p := range o.Playbooks {
		if p.Target.Kind == c.Kind && o.Config.Autonomy.For(p.Name, c.Name, p.Tier).AtMost(p.Ceiling) != repair.Observe {
			return true
		}
	}
	return false
}
