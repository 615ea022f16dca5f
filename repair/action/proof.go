package action

import (
	"errors"
	"fmt"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// expected is whose a data directory must be, as far as it is known.
type expected struct {
	name      string
	ids       []string // each must be it: the membership's, the inventory's pin
	clusterID string   // empty: not known
}

// prove is the local proof of rule 13 from the service manager's word and, where
// readable is true, the data directory as it was read.
func prove(s cluster.Service, want expected, dir string, readable bool, read etcd.DataDir, err error) cluster.Proof {
	switch s.State {
	case cluster.ServiceRunning, cluster.ServiceStarting, cluster.ServiceStopping:
		return cluster.Proof{Answer: cluster.No, Reason: "process-runs", Detail: fmt.Sprintf("the service manager says that it is %s (%s)", s.State, s.Identity)}
	case cluster.ServiceUnknown, "":
		return cluster.Proof{Answer: cluster.Unknown, Reason: "not-told", Detail: "the service manager cannot tell whether it runs: " + s.Error}
	}
	told := proveTold(s, want)
	if !readable || told.Answer == cluster.No {
		return told
	}
	return proveDir(want, dir, read, err)
}

// proveTold goes by a declared status command's word.
func proveTold(s cluster.Service, want expected) cluster.Proof {
	switch {
	case s.DataDirOK == nil:
		return cluster.Proof{Answer: cluster.Unknown, Reason: "not-told", Detail: "the data directory is not on this host, or not declared (`data_dir`), and the status command tells no data_dir_ok"}
	case !*s.DataDirOK:
		return cluster.Proof{Answer: cluster.No, Reason: "no-data-dir", Detail: "the status command says data_dir_ok: false"}
	case s.MemberID == "":
		return cluster.Proof{Answer: cluster.Unknown, Reason: "not-told", Detail: "the status command does not tell member_id: whose data directory it is"}
	}
	return proveID("the status command", s.MemberID, "", want)
}

// proveDir goes by what stands in a data directory on this host.
func proveDir(want expected, dir string, read etcd.DataDir, err error) cluster.Proof {
	switch {
	case errors.Is(err, etcd.ErrNoDataDir):
		return cluster.Proof{Answer: cluster.No, Reason: "no-data-dir", Detail: fmt.Sprintf("%s is not there: is its disk mounted?", dir)}
	case errors.Is(err, etcd.ErrEmptyDataDir):
		return cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir", Detail: fmt.Sprintf("%s holds no member: started on it, %s would come back without what it has promised to keep", dir, want.name)}
	case err != nil: // not readable, or damaged: etcd itself refuses what it cannot read
		return cluster.Proof{Answer: cluster.Unknown, Reason: "not-readable", Detail: err.Error()}
	}
	if want.clusterID != "" && read.ClusterID != want.clusterID {
		return cluster.Proof{Answer: cluster.No, Reason: "other-member", Detail: fmt.Sprintf("%s is of cluster %s, not of %s", dir, read.ClusterID, want.clusterID)}
	}
	return proveID(dir, read.NodeID, read.Names[read.NodeID], want)
}

// proveID compares the ID found, in source, with those expected; with none known,
// the name that the directory's own membership has for it must do.
func proveID(source, id, name string, want expected) cluster.Proof {
	for _, w := range want.ids {
		if id != w {
			return cluster.Proof{Answer: cluster.No, Reason: "other-member", Detail: fmt.Sprintf("%s is member %s's, %s is member %s", source, id+nameOf(name), want.name, w)}
		}
	}
	switch {
	case len(want.ids) > 0, name == want.name:
		return cluster.Proof{Answer: cluster.Yes, Detail: fmt.Sprintf("%s is member %s's", source, id)}
	case name != "":
		return cluster.Proof{Answer: cluster.No, Reason: "other-member", Detail: fmt.Sprintf("%s is member %s's, not %s's", source, id+nameOf(name), want.name)}
	}
	return cluster.Proof{Answer: cluster.Unknown, Reason: "not-told", Detail: fmt.Sprintf("%s is member %s's; whether that is %s no member told since fettle started: pin it as `member_id`", source, id, want.name)}
}

func nameOf(name string) string {
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}
