package etcd

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// look is what one member answered.
type look struct {
	status *pb.StatusResponse // nil: not reachable
	reason string             // why it was not, bounded
	why    string             // the same for people
	list   []*pb.Member       // nil: it did not tell its membership
	page   *scrape            // its metrics page; nil: not read
	unread string             // why not, bounded
	canary *Canary            // nil: nothing was written
}

// View asks all members at once and returns what they say. It never fails: a
// member that could not be asked has Reachable false and a bounded Error (one of
// cluster.Reasons). It takes Options.Timeout at most, and with a canary that one's
// timeout more.
func (d *Driver) View(ctx context.Context) cluster.View {
	looks := make([]look, len(d.members))
	asking, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var all sync.WaitGroup
	for i, m := range d.members {
		all.Go(func() {
			m.question(asking, &looks[i])
			d.write(ctx, m, &looks[i])
		})
		if d.options.Detail && !d.cluster.Etcd.NoMetrics {
			all.Go(func() { d.read(asking, m, &looks[i]) })
		}
	}
	all.Wait()
	v := assemble(d.cluster, looks)
	v.Follow()
	d.remember(v)
	if d.options.Detail || d.options.Canary {
		d.detail(&v, looks)
	}
	return v
}

// question asks for status and then for the membership, in one goroutine: a new one pays
// for a stack that grows to what gRPC needs. A member that does not tell its membership
// (a learner may not) is reachable all the same.
func (m *member) question(ctx context.Context, seen *look) {
	line.Deepen()
	status, err := m.status(ctx)
	if seen.status, seen.reason, seen.why = status, reasonOf(err), line.Why(err); err != nil {
		return
	}
	_ = m.ask(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		// Not linearizable: its own copy, which it tells without a leader.
		resp, err := pb.NewClusterClient(cc).MemberList(ctx, &pb.MemberListRequest{})
		seen.list = resp.GetMembers()
		return err
	})
}

// read reads the metrics page.
func (d *Driver) read(ctx context.Context, m *member, seen *look) {
	line.Deepen()
	page, err := d.scrape(ctx, m)
	if seen.unread = pageReason(err); err == nil {
		seen.page = &page
	}
}

// write writes through a voter, where that is declared.
func (d *Driver) write(ctx context.Context, m *member, seen *look) {
	switch {
	case !d.options.Canary || !d.cluster.Etcd.Canary.On() || seen.status.GetIsLearner():
	case seen.status == nil:
		seen.canary = &Canary{Reason: seen.reason, Why: seen.why}
	default:
		seen.canary = d.canary(ctx, m)
	}
}

func (m *member) status(ctx context.Context) (*pb.StatusResponse, error) {
	var resp *pb.StatusResponse
	err := m.ask(ctx, func(ctx context.Context, cc *grpc.ClientConn) (err error) {
		resp, err = pb.NewMaintenanceClient(cc).Status(ctx, &pb.StatusRequest{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// assemble makes a View of the looks, which stand in inventory order.
func assemble(c cluster.Cluster, looks []look) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	newest := newestLook(looks)
	if newest != nil {
		v.ID = hexID(newest.status.GetHeader().GetClusterId())
	}
	v.Mismatch = mismatch(looks)
	membership := entries(newest)
	raised, alarmsRead := alarms(looks)
	matched, taken := map[string]bool{}, claims(c, membership)
	for i, m := range c.Members {
		mv := cluster.MemberView{Name: m.Name, ID: m.MemberID, Error: looks[i].reason, Why: looks[i].why}
		e, listed := match(membership, m)
		if s := looks[i].status; !listed && s != nil && m.MemberID == "" { // etcd has another name for it
			id := hexID(s.GetHeader().GetMemberId())
			if at := slices.IndexFunc(membership, func(e PeerMember) bool { return e.ID == id }); at >= 0 && taken[id] == "" {
				e, listed, taken[id] = membership[at], true, m.Name
			}
		}
		if listed {
			mv.ID, mv.Learner = e.ID, e.Learner
		}
		mv.Outside = !listed && membership != nil && newest.status.GetLeader() != 0
		if s := looks[i].status; s != nil {
			id := hexID(s.GetHeader().GetMemberId())
			switch {
			case listed && id != e.ID, m.MemberID != "" && id != m.MemberID, taken[id] != "" && taken[id] != m.Name:
				// Something else answers there, and must not be taken for this member.
				mv.Error, mv.Why = other, "another member answers there, with the ID "+id
			default:
				mv.ID, mv.Learner = id, s.GetIsLearner()
				fill(&mv, s)
			}
		}
		matched[mv.ID] = true
		mv.Alarms, mv.AlarmsRead = raised[mv.ID], alarmsRead
		v.Members = append(v.Members, mv)
	}
	for _, id := range slices.Sorted(maps.Keys(raised)) {
		if !matched[id] {
			v.UnlistedAlarms = append(v.UnlistedAlarms, raised[id]...)
		}
	}
	for _, e := range membership {
		if !matched[e.ID] {
			v.Unlisted = append(v.Unlisted, e.label())
			if e.Learner {
				v.UnlistedLearners++
			}
		}
	}
	return v
}

// claims are the members' IDs with the inventory's names of them, as far as the membership
// itself tells: who answers under two names is one of them.
func claims(c cluster.Cluster, membership []PeerMember) map[string]string {
	taken := map[string]string{}
	for _, m := range c.Members {
		if e, listed := match(membership, m); listed && taken[e.ID] == "" {
			taken[e.ID] = m.Name
		}
	}
	return taken
}

func fill(mv *cluster.MemberView, s *pb.StatusResponse) {
	mv.Reachable = true
	if s.GetLeader() != 0 {
		mv.Leader = hexID(s.GetLeader())
	}
	mv.Term, mv.Commit, mv.Applied = s.GetRaftTerm(), s.GetRaftIndex(), s.GetRaftAppliedIndex()
	mv.Version = s.GetVersion()
	mv.DBSize, mv.DBInUse, mv.DBQuota = s.GetDbSize(), s.GetDbSizeInUse(), s.GetDbSizeQuota()
}

// newestLook is the one with a membership that has a leader and has applied most in the
// highest term: a member that is behind may still name an old membership, and so may one
// that was cut off, whose term may have run ahead since. One of another cluster than the
// most are of has no say. Nil: none.
func newestLook(looks []look) *look {
	var newest *look
	id := clusterOf(looks)
	for i, l := range looks {
		if l.status == nil || l.status.GetHeader().GetClusterId() != id {
			continue
		}
		if newest == nil || newer(l, *newest) {
			newest = &looks[i]
		}
	}
	return newest
}

// clusterOf is the cluster that most of those who answered are of, the first one of several.
func clusterOf(looks []look) (id uint64) {
	members := map[uint64]int{}
	for _, l := range looks {
		if l.status != nil {
			members[l.status.GetHeader().GetClusterId()]++
		}
	}
	most := 0
	for _, l := range looks {
		if c := l.status.GetHeader().GetClusterId(); l.status != nil && members[c] > most {
			id, most = c, members[c]
		}
	}
	return id
}

func newer(a, b look) bool {
	if (a.list == nil) != (b.list == nil) {
		return a.list != nil
	}
	if (a.status.GetLeader() == 0) != (b.status.GetLeader() == 0) {
		return a.status.GetLeader() != 0
	}
	if a.status.GetRaftTerm() != b.status.GetRaftTerm() {
		return a.status.GetRaftTerm() > b.status.GetRaftTerm()
	}
	return a.status.GetRaftAppliedIndex() > b.status.GetRaftAppliedIndex()
}

// mismatch tells whether members that answered name different clusters or
// memberships.
func mismatch(looks []look) bool {
	type entry struct {
		id      uint64
		learner bool
	}
	var id uint64
	var ids []entry
	for _, l := range looks {
		if l.status == nil {
			continue
		}
		if cid := l.status.GetHeader().GetClusterId(); id == 0 {
			id = cid
		} else if cid != id {
			return true
		}
		if l.list == nil {
			continue
		}
		named := make([]entry, len(l.list))
		for i, e := range l.list {
			named[i] = entry{e.GetID(), e.GetIsLearner()}
		}
		slices.SortFunc(named, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
		if ids == nil {
			ids = named
		} else if !slices.Equal(ids, named) {
			return true
		}
	}
	return false
}

// alarmText is how an alarm stands in Status' errors: a protobuf message as text,
// whose blanks protobuf varies on purpose.
var alarmText = regexp.MustCompile(`^memberID:\s*(\d+)\s+alarm:\s*([A-Z]+)\s*$`)

// alarms are the alarms by member ID, and whether any member told them. They are
// taken from Status: to ask for them by the Alarm RPC goes through Raft, so each
// look would write to every member's log, and fail without a quorum.
func alarms(looks []look) (byID map[string][]string, read bool) {
	byID = map[string][]string{}
	for _, l := range looks {
		if l.status == nil {
			continue
		}
		read = true
		for _, text := range l.status.GetErrors() {
			found := alarmText.FindStringSubmatch(strings.TrimSpace(text))
			if found == nil {
				continue
			}
			n, err := strconv.ParseUint(found[1], 10, 64)
			if err != nil {
				continue
			}
			if id := hexID(n); !slices.Contains(byID[id], found[2]) {
				byID[id] = append(byID[id], found[2])
				slices.Sort(byID[id])
			}
		}
	}
	return byID, read
}
