// Package discovery finds what there is to be looked after: etcd clusters, from one
// member's URL or from what a Prometheus scrapes, and on this machine the unit and the
// data directory of each member. It only asks, and says of what it could not find that
// it could not: what comes of it is a proposal, which a person reads.
//
// Start at [Etcd] and [Prometheus].
package discovery
