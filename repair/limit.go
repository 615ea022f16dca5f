package repair

// Limit is how many of some targets may be unavailable at once for fettle to take
// another one away: a share of a cluster, or of a group that the configuration declares.
type Limit struct {
	Name    string   // the cluster's or the group's
	Group   bool     // it is a group's
	Members []string // targets, "cluster/member"
	AtMost  int
}
