package exporter

import (
	"fmt"
	"strings"
)

// The exposition text of cluster "c" with members m1, m2 and m3.

func perCluster(metric string, value int) string {
	return fmt.Sprintf("fettle_raft_%s{cluster=\"c\"} %d\n", metric, value)
}

func state(voters, reachable, quorum, margin, learners, hasLeader, leadersSeen int) string {
	return perCluster("voters", voters) + perCluster("voters_reachable", reachable) + perCluster("quorum", quorum) +
		perCluster("margin", margin) + perCluster("learners", learners) + perCluster("has_leader", hasLeader) +
		perCluster("leaders_seen", leadersSeen) + perCluster("membership_mismatch", 0) + perCluster("members_unlisted", 0)
}

// perMember has the values of m1, m2 and so on.
func perMember(metric string, values ...int) string { return each("fettle_raft_"+metric, values) }

func syncOf(metric string, values ...int) string { return each("fettle_sync_"+metric, values) }

func each(metric string, values []int) string {
	var text strings.Builder
	for i, v := range values {
		fmt.Fprintf(&text, "%s{cluster=\"c\",member=\"m%d\"} %d\n", metric, i+1, v)
	}
	return text.String()
}

// alarms has NOSPACE and CORRUPT of m1, then of m2, then of m3.
func alarms(values ...int) string {
	var text strings.Builder
	for i, v := range values {
		fmt.Fprintf(&text, "fettle_raft_alarm{alarm=%q,cluster=\"c\",member=\"m%d\"} %d\n", []string{"NOSPACE", "CORRUPT"}[i%2], i/2+1, v)
	}
	return text.String()
}
