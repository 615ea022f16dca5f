package exporter

import (
	"io"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/consul"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/cluster/gluster"
	"github.com/fettle-io/fettle/cluster/haproxy"
	"github.com/fettle-io/fettle/cluster/kafka"
	"github.com/fettle-io/fettle/cluster/keepalived"
	"github.com/fettle-io/fettle/cluster/mongodb"
	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/cluster/nats"
	"github.com/fettle-io/fettle/cluster/nginx"
	"github.com/fettle-io/fettle/cluster/pacemaker"
	"github.com/fettle-io/fettle/cluster/postgres"
	"github.com/fettle-io/fettle/cluster/redis"
	"github.com/fettle-io/fettle/cluster/zookeeper"
)

// Driver is a row in the table of the systems that can be looked at.
type Driver struct {
	Kind cluster.Kind
	// Replicates tells that members follow one another: the sync collector tells of them.
	Replicates bool
	// Open makes the driver of one cluster. It connects to nothing yet.
	Open func(c cluster.Cluster) (OpenViewer, error)
}

// OpenViewer is a Viewer that holds connections.
type OpenViewer interface {
	Viewer
	io.Closer
}

// Drivers is the table of all drivers: one for each kind of the inventory that can be
// looked at as a whole.
func Drivers() []Driver {
	return []Driver{
		{Kind: cluster.KindEtcd, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) {
			return etcd.New(c, etcd.Options{Detail: true, Canary: true})
		}},
		{Kind: cluster.KindConsul, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) { return consul.New(c, consul.Options{}) }},
		{Kind: cluster.KindNATS, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) { return nats.New(c, nats.Options{}) }},
		{Kind: cluster.KindZooKeeper, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) { return zookeeper.New(c, zookeeper.Options{}) }},
		{Kind: cluster.KindHAProxy, Open: func(c cluster.Cluster) (OpenViewer, error) { return haproxy.New(c, haproxy.Options{}) }},
		{Kind: cluster.KindNginx, Open: func(c cluster.Cluster) (OpenViewer, error) { return nginx.New(c, nginx.Options{}) }},
		{Kind: cluster.KindKeepalived, Open: func(c cluster.Cluster) (OpenViewer, error) { return keepalived.New(c, keepalived.Options{}) }},
		{Kind: cluster.KindPacemaker, Open: func(c cluster.Cluster) (OpenViewer, error) { return pacemaker.New(c, pacemaker.Options{}) }},
		{Kind: cluster.KindGluster, Open: func(c cluster.Cluster) (OpenViewer, error) { return gluster.New(c, gluster.Options{}) }},
		{Kind: cluster.KindMySQL, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) { return mysql.New(c, mysql.Options{}) }},
		{Kind: cluster.KindPostgres, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) {
			return postgres.New(c, postgres.Options{})
		}},
		{Kind: cluster.KindRedis, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) { return redis.New(c, redis.Options{}) }},
		{Kind: cluster.KindMongoDB, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) { return mongodb.New(c, mongodb.Options{}) }},
		{Kind: cluster.KindKafka, Replicates: true, Open: func(c cluster.Cluster) (OpenViewer, error) { return kafka.New(c, kafka.Options{}) }},
	}
}

// Open makes the driver of c. A kind that nobody looks at as a whole is nil without
// an error.
func Open(c cluster.Cluster) (OpenViewer, error) {
	for _, d := range Drivers() {
		if d.Kind == c.Kind {
			v, err := d.Open(c)
			if err != nil { // never a nil pointer in the interface
				return nil, err
			}
			return v, nil
		}
	}
	return nil, nil
}

// replicated are the kinds whose members follow one another.
func replicated() []cluster.Kind {
	var kinds []cluster.Kind
	for _, d := range Drivers() {
		if d.Replicates {
			kinds = append(kinds, d.Kind)
		}
	}
	return kinds
}
