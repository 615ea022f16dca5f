package inventory

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// mostCanary is the longest that a write of the canary may take: a scrape waits for it.
const mostCanary = 5 * time.Second

var keyPrefix = lazily(`^/[A-Za-z0-9._/-]{1,253}/$`)

// etcd checks what a cluster of kind etcd declares beside its members.
func (c check) etcd(cl *cluster.Cluster) {
	if cl.Etcd == (cluster.Etcd{}) {
		return
	}
	if cl.Kind != cluster.KindEtcd {
		c.errorf("etcd", "a cluster of kind %s has no section etcd: leave it out", strictyaml.Clip(string(cl.Kind)))
		return
	}
	canary, at := cl.Etcd.Canary, c.at.Join("etcd", "canary")
	switch {
	case canary == cluster.EtcdCanary{}:
		return
	case canary.Prefix == "":
		c.doc.Errorf(at, "the canary has no prefix: write what its keys begin with, such as /fettle/canary/")
	case !keyPrefix.MatchString(canary.Prefix):
		c.doc.Errorf(at.Join("prefix"), "prefix %s must begin and end with a slash, and hold letters, digits, dots, dashes and underscores in between: a part of the keys that is fettle's alone, such as /fettle/canary/", strictyaml.Clip(canary.Prefix))
	}
	if canary.Timeout < 0 || canary.Timeout > mostCanary {
		c.doc.Errorf(at.Join("timeout"), "timeout %s must be above 0 and at most %s: a scrape waits for it", canary.Timeout, mostCanary)
	}
	c.path(at.Join("login", "password_file"), "password_file", canary.Login.PasswordFile)
	if (canary.Login.Username == "") != (canary.Login.PasswordFile == "") {
		c.doc.Errorf(at.Join("login"), "a login needs both username and password_file")
	}
}
