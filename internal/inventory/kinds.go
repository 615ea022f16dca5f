package inventory

import (
	"slices"

	"github.com/fettle-io/fettle/cluster"
)

// kind says what a cluster of one kind declares.
type kind struct {
	name    cluster.Kind
	schemes []string // of its members' endpoints
	example string   // of one
	form    form     // how much such a URL may say
	// optional tells that a member need not have an endpoint.
	optional bool
	// socket tells that unix:///path is an endpoint as well.
	socket bool
	// local is the scheme of an endpoint that is nothing but a path on the member's machine.
	local string
	// plain tells that it is asked without TLS and without a login.
	plain bool
	// token tells that `read` may be a password_file alone.
	token bool
	// scheme tells that the endpoint's scheme says whether TLS is spoken.
	scheme bool
	// quorum tells that its members are in one cluster only, since repairs ask for the quorum.
	quorum bool
}

// kinds is the table of all kinds, in the order in which they are shown.
func kinds() []kind {
	return []kind{
		{name: cluster.KindEtcd, schemes: []string{"http", "https"}, example: "http://127.0.0.1:2379", form: bare, scheme: true, quorum: true},
		{name: cluster.KindConsul, schemes: []string{"http", "https"}, example: "http://127.0.0.1:8500", form: bare, scheme: true, token: true, quorum: true},
		{name: cluster.KindMySQL, schemes: []string{"mysql"}, example: "mysql://127.0.0.1:3306", form: bare, socket: true},
		{name: cluster.KindPostgres, schemes: []string{"postgres"}, example: "postgres://127.0.0.1:5432", form: bare, socket: true},
		{name: cluster.KindRedis, schemes: []string{"redis"}, example: "redis://127.0.0.1:6379", form: bare, socket: true, token: true},
		{name: cluster.KindMongoDB, schemes: []string{"mongodb"}, example: "mongodb://127.0.0.1:27017", form: bare},
		{name: cluster.KindKafka, schemes: []string{"kafka"}, example: "kafka://127.0.0.1:9092", form: bare},
		{name: cluster.KindNATS, schemes: []string{"http", "https"}, example: "http://127.0.0.1:8222", form: bare, scheme: true},
		{name: cluster.KindZooKeeper, schemes: []string{"zookeeper"}, example: "zookeeper://127.0.0.1:2181", form: bare},
		{name: cluster.KindHAProxy, schemes: []string{"tcp"}, example: "unix:///run/haproxy/admin.sock", form: bare, socket: true},
		{name: cluster.KindNginx, schemes: []string{"http", "https"}, example: "http://127.0.0.1/stub_status", form: anyPath, scheme: true},
		{name: cluster.KindKeepalived, example: "unix:///run/dbus/system_bus_socket", local: "unix", plain: true},
		{name: cluster.KindGluster, schemes: []string{"gluster"}, example: "gluster://server1:24007", form: bare, plain: true},
		{name: cluster.KindPacemaker, example: "file:///run/fettle-crm_mon/status.xml", local: "file", plain: true},
		{name: cluster.KindService, schemes: []string{"http", "https", "tcp"}, example: "http://127.0.0.1:8080", form: anyPath, optional: true, scheme: true},
	}
}

// Kinds are the names of all kinds, in the order in which they are shown.
func Kinds() []string {
	var all []string
	for _, k := range kinds() {
		all = append(all, string(k.name))
	}
	return all
}

// kindOf finds a kind; one that is not known demands nothing.
func kindOf(name cluster.Kind) kind {
	all := kinds()
	if i := slices.IndexFunc(all, func(k kind) bool { return k.name == name }); i >= 0 {
		return all[i]
	}
	return kind{name: name, schemes: []string{"http", "https", "tcp"}, form: anyPath, optional: true, scheme: true, quorum: true}
}
