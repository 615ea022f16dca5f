package etcd

import (
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
)

// look is what one member answered.
type look struct {
	status *pb.StatusResponse // nil: not reachable
	reason string             // why it was not, bounded
	list   []*pb.Member       // nil: it did not tell its membership
}

// View asks all members at once and returns what they say. It never fails: a
// member that could not be asked has Reachable false and a bounded Error
// (refused, timeout, tls, auth, other). It takes Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	looks := make([]look, len(d.members))
	var all sync.WaitGroup
	for i, m := range d.members {
		all.Go(func() { looks[i] = m.look(ctx) })
	}
	all.Wait()
	v := assemble(d.cluster, looks)
	v.Follow()
	d.remember(v)
	return v
}

// look asks for status and membership at once. A member that does not tell its
// membership (a learner may not) is reachable all the same.
func (m *member) look(ctx context.Context) look {
	var seen look
	var list sync.WaitGroup
	list.Go(func() {
		_ = m.ask(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
			// Not linearizable: its own copy, which it tells without a leader.
			resp, err := pb.NewClusterClient(cc).MemberList(ctx, &pb.MemberListRequest{})
			seen.list = resp.GetMembers()
			return err
		})
	})
	status, err := m.status(ctx)
	list.Wait()
	seen.status, seen.reason = status, reasonOf(err)
	return seen
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
	matched := map[string]bool{}
	for i, m := range c.Members {
		mv := cluster.MemberView{Name: m.Name, ID: m.MemberID, Error: looks[i].reason}
		e, listed := match(membership, m)
		if listed {
			mv.ID, mv.Learner = e.ID, e.Learner
		}
		if s := looks[i].status; s != nil {
			id := hexID(s.GetHeader().GetMemberId())
			switch {
			case listed && id != e.ID, m.MemberID != "" && id != m.MemberID:
				// Something else answers there, and must not be taken for this member.
				mv.Error = other
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

func fill(mv *cluster.MemberView, s *pb.StatusResponse) {
	mv.Reachable = true
	if s.GetLeader() != 0 {
		mv.Leader = hexID(s.GetLeader())
	}
	mv.Term, mv.Commit, mv.Applied = s.GetRaftTerm(), s.GetRaftIndex(), s.GetRaftAppliedIndex()
	mv.Version = s.GetVersion()
	mv.DBSize, mv.DBInUse, mv.DBQuota = s.GetDbSize(), s.GetDbSizeInUse(), s.GetDbSizeQuota()
}

// newestLook is the one with a membership that has applied most in the highest
// term: a member that is behind may still name an old membership. Nil: none.
func newestLook(looks []look) *look {
	var newest *look
	for i, l := range looks {
		if l.status == nil {
			continue
		}
		if newest == nil || newer(l, *newest) {
			newest = &looks[i]
		}
	}
	return newest
}

func newer(a, b look) bool {
	if (a.list == nil) != (b.list == nil) {
		return a.list != nil
	}
	if a.status.GetRaftTerm() != b.status.GetRaftTerm() {
		return a.status.GetRaftTerm() > b.status.GetRaftTerm()
	}
	return a.status.GetRaftAppliedIndex() > b.status.GetRaftAppliedIndex()
}

// mismatch tells whether members that answered name different clusters or
// memberships.
func mismatch(looks []look) bool {
	var id uint64
	var ids []string
	for i := range looks {
		l := &looks[i]
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
		var named []string
		for _, e := range entries(l) {
			named = append(named, e.ID+" "+strconv.FormatBool(e.Learner))
		}
		slices.Sort(named)
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
