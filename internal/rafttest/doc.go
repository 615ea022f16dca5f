// Package rafttest breaks real Raft clusters under the exporter, and holds what it then
// says to what is true: quorum and margin at once, nothing measured that is stale, no
// state that is missing.
//
// There is nothing in it but tests. Those without a build tag need etcd alone; with the
// tag servers, and as root, there are hanging disks and a Prometheus too.
package rafttest
