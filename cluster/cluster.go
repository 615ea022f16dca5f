// Package cluster has the inventory (clusters, their members, and the targets
// that labels resolve to) and the words for what is seen of them: View, Service,
// Proof. It is plain data with no I/O and no dependency outside the standard
// library; the drivers that fill a View live in the packages below it.
package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Kind says which driver looks at a cluster.
type Kind string

const (
	// KindEtcd is an etcd cluster: a quorum, voters and learners.
	KindEtcd Kind = "etcd"
	// KindConsul is the servers of a Consul data centre: a Raft quorum.
	KindConsul Kind = "consul"
	// KindMySQL is a MariaDB or MySQL primary and its replicas.
	KindMySQL Kind = "mysql"
	// KindPostgres is a PostgreSQL primary and its standbys.
	KindPostgres Kind = "postgres"
	// KindRedis is a Redis (or Valkey) primary and its replicas.
	KindRedis Kind = "redis"
	// KindMongoDB is a MongoDB replica set.
	KindMongoDB Kind = "mongodb"
	// KindKafka is a Kafka cluster and its consumer groups.
	KindKafka Kind = "kafka"
	// KindNATS is a NATS cluster with JetStream.
	KindNATS Kind = "nats"
	// KindZooKeeper is a ZooKeeper ensemble.
	KindZooKeeper Kind = "zookeeper"
	// KindHAProxy is a group of HAProxy processes.
	KindHAProxy Kind = "haproxy"
	// KindNginx is a group of nginx processes.
	KindNginx Kind = "nginx"
	// KindKeepalived is a group of VRRP routers that hold virtual addresses.
	KindKeepalived Kind = "keepalived"
	// KindGluster is a trusted pool of GlusterFS servers.
	KindGluster Kind = "gluster"
	// KindPacemaker is a Corosync and Pacemaker cluster.
	KindPacemaker Kind = "pacemaker"
	// KindService is a group of machines that run one unit each, without a quorum.
	KindService Kind = "service"
)

// Cluster is one entry of the inventory.
type Cluster struct {
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"`
	TLS     TLS      `json:"tls,omitzero"`
	Read    Login    `json:"read,omitzero"` // credentials to look with, by reference
	Members []Member `json:"members"`
	// DependsOn names the clusters that this one cannot work without.
	DependsOn []string `json:"depends_on,omitempty"`
	// MySQL is for kind mysql alone.
	MySQL MySQL `json:"mysql,omitzero"`
	// Redis is for kind redis alone.
	Redis Redis `json:"redis,omitzero"`
	// MongoDB is for kind mongodb alone.
	MongoDB MongoDB `json:"mongodb,omitzero"`
	// Kafka is for kind kafka alone.
	Kafka Kafka `json:"kafka,omitzero"`
	// Etcd is for kind etcd alone.
	Etcd Etcd `json:"etcd,omitzero"`
	// Postgres is for kind postgres alone.
	Postgres Postgres `json:"postgres,omitzero"`
	// Keepalived is for kind keepalived alone.
	Keepalived Keepalived `json:"keepalived,omitzero"`
	// Pacemaker is for kind pacemaker alone.
	Pacemaker Pacemaker `json:"pacemaker,omitzero"`
	// Gluster is for kind gluster alone.
	Gluster Gluster `json:"gluster,omitzero"`
}

// TLS names the files of a client's TLS set-up. All empty means the system's
// roots for https and nothing for http. Where the endpoint's scheme does not say
// whether TLS is spoken (mysql://), any of it turns TLS on.
type TLS struct {
	Enabled    bool   `json:"enabled,omitempty"` // with the system's roots, where nothing else is to be said
	CAFile     string `json:"ca_file,omitempty"`
	CertFile   string `json:"cert_file,omitempty"`
	KeyFile    string `json:"key_file,omitempty"`
	ServerName string `json:"server_name,omitempty"`
}

// On tells whether anything of it is declared.
func (t TLS) On() bool { return t != TLS{} }

// Login is a user whose password stands in a file: secrets are references.
type Login struct {
	Username     string `json:"username,omitempty"`
	PasswordFile string `json:"password_file,omitempty"`
}

// Member is one member of a cluster: where it answers, and what runs it.
type Member struct {
	Name     string   `json:"name"`
	Host     string   `json:"host,omitempty"`      // the machine it runs on; members of one host share it
	Endpoint string   `json:"endpoint,omitempty"`  // client URL, http(s)://host:port
	Peer     string   `json:"peer,omitempty"`      // peer URL, for members of a quorum
	Metrics  string   `json:"metrics,omitempty"`   // metrics URL; default Endpoint + /metrics
	Unit     string   `json:"unit,omitempty"`      // systemd unit
	DataDir  string   `json:"data_dir,omitempty"`  // on its host
	MemberID string   `json:"member_id,omitempty"` // pinned ID, lower-case hex without 0x
	Commands Commands `json:"commands,omitzero"`   // instead of systemd, or for a member on another host
}

// Local tells that the member answers on its own machine alone: at a socket or in a file.
func (m Member) Local() bool {
	return strings.HasPrefix(m.Endpoint, "unix:") || strings.HasPrefix(m.Endpoint, "file:")
}

// Commands are the declared commands of ENGINE.md rule 25, each an argv. In Kill
// an argument that is exactly "{identity}" is replaced by the identity to end.
// Status prints one JSON object, see the service package.
type Commands struct {
	Status  []string `json:"status,omitempty"`
	Start   []string `json:"start,omitempty"`
	Stop    []string `json:"stop,omitempty"`
	Kill    []string `json:"kill,omitempty"`
	Restart []string `json:"restart,omitempty"`
}

// Declared tells whether commands stand in for systemd: status is the one that
// the others need.
func (c Commands) Declared() bool { return len(c.Status) > 0 }

// Target is the inventory entry that a label resolved to: one member of one
// cluster. Labels are untrusted, a Target is not.
type Target struct {
	Cluster Cluster
	Member  Member
}

// String is "cluster/member".
func (t Target) String() string { return t.Cluster.Name + "/" + t.Member.Name }

// Inventory is everything fettle knows by configuration. Names are unique; the
// configuration checks that.
type Inventory struct {
	Clusters []Cluster `json:"clusters"`
}

// Cluster finds a cluster by name.
func (inv Inventory) Cluster(name string) (Cluster, bool) {
	for _, c := range inv.Clusters {
		if c.Name == name {
			return c, true
		}
	}
	return Cluster{}, false
}

// Resolve turns names, which come from labels, into a Target. The error says
// which of the two is unknown, and never repeats more of them than 64 bytes.
func (inv Inventory) Resolve(kind Kind, cluster, member string) (Target, error) {
	c, ok := inv.Cluster(cluster)
	if !ok {
		return Target{}, fmt.Errorf("no cluster %q in the inventory: declare it under `clusters` in fettle.yml", clip(cluster))
	}
	if c.Kind != kind {
		return Target{}, fmt.Errorf("cluster %q is of kind %s, the playbook wants %s", c.Name, c.Kind, kind)
	}
	for _, m := range c.Members {
		if m.Name == member {
			return Target{Cluster: c, Member: m}, nil
		}
	}
	return Target{}, fmt.Errorf("cluster %q has no member %q in the inventory: declare it under `clusters` in fettle.yml", c.Name, clip(member))
}

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// Disturbs says what a mutation makes unavailable beside its target.
type Disturbs string

const (
	// DisturbsUnit is one unit on one host.
	DisturbsUnit Disturbs = "unit"
	// DisturbsCluster is the member's whole cluster.
	DisturbsCluster Disturbs = "cluster"
	// DisturbsHost is every cluster with a member on that host.
	DisturbsHost Disturbs = "host"
)

// Resources are the names of what a mutation of t disturbs, sorted and without
// repeats: "cluster/C", "host/H", "unit/H/M/U" with M the member's name
// (ENGINE.md rule 6). A unit that a member of a quorum runs in disturbs that
// cluster. Who asks often asks an Index.
func (inv Inventory) Resources(t Target, d Disturbs) []string { return inv.Index().Resources(t, d) }

func resource(c Cluster, m Member) string {
	if c.Kind == KindService {
		return "unit/" + m.Host + "/" + m.Name + "/" + m.Unit
	}
	return "cluster/" + c.Name
}

// Digest is the SHA-256 of a cluster's entry, hex: a run is resumed only under
// the entry that it was planned with.
func (c Cluster) Digest() string {
	b, err := json.Marshal(c)
	if err != nil { // plain strings and slices: cannot happen
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
