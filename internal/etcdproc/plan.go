// Package etcdproc runs a real etcd cluster on loopback: the tests' and the
// demo's patient. Plan says how each member is started; a Cluster starts, hangs
// and kills them.
package etcdproc

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/port"
)

// Options tune a plan. The zero value is good for tests.
type Options struct {
	Heartbeat time.Duration // 0: 50 ms
	Election  time.Duration // 0: ten heartbeats
	Quota     int64         // bytes of --quota-backend-bytes; 0: etcd's default
	TLS       cluster.TLS   // CA and the members' certificate, for clients and peers; zero: plain HTTP
	Args      []string      // more flags, for each member
	Relays    bool          // peers reach one another through relays, see Cluster.Cut; not with TLS
	// Dirs are the folders of members that are not to lie below the plan's, by name.
	Dirs map[string]string
}

// Spec is how one member is started. It names no program: the same arguments fit
// every etcd from 3.4.
type Spec struct {
	Name    string
	Dir     string // holds DataDir and Output
	DataDir string // absolute if the plan's folder is
	Client  string // client URL
	Peer    string // peer URL, which it advertises
	// PeerListen is the peer URL on which it listens; "" is Peer.
	PeerListen string
	Args       []string // without the program
	Output     string   // file for standard output and error, appended to
}

// Plan plans a cluster of the members named, below dir, on loopback ports that
// were free a moment ago. It creates nothing.
func Plan(dir string, names []string, o Options) ([]Spec, error) {
	ports, err := port.Free(3 * len(names))
	if err != nil {
		return nil, err
	}
	scheme := "http"
	if o.TLS != (cluster.TLS{}) {
		scheme = "https"
	}
	specs := make([]Spec, len(names))
	peers := make([]string, len(names))
	for i, name := range names {
		home := filepath.Join(dir, name)
		if own, ok := o.Dirs[name]; ok {
			home = own
		}
		specs[i] = Spec{
			Name:    name,
			Dir:     home,
			DataDir: filepath.Join(home, "data"),
			Client:  fmt.Sprintf("%s://127.0.0.1:%d", scheme, ports[3*i]),
			Peer:    fmt.Sprintf("%s://127.0.0.1:%d", scheme, ports[3*i+1]),
			Output:  filepath.Join(home, "etcd.log"),
		}
		if o.Relays {
			specs[i].PeerListen = fmt.Sprintf("%s://127.0.0.1:%d", scheme, ports[3*i+2])
		}
		peers[i] = name + "=" + specs[i].Peer
	}
	for i := range specs {
		specs[i].Args = args(specs[i], strings.Join(peers, ","), "new", o)
	}
	return specs, nil
}

// Join plans one more member, to be started after specs' cluster was told of its
// peer URL.
func Join(dir, name string, specs []Spec, o Options) (Spec, error) {
	planned, err := Plan(dir, []string{name}, o)
	if err != nil {
		return Spec{}, err
	}
	s := planned[0]
	peers := []string{name + "=" + s.Peer}
	for _, other := range specs {
		peers = append(peers, other.Name+"="+other.Peer)
	}
	s.Args = args(s, strings.Join(peers, ","), "existing", o)
	return s, nil
}

func args(s Spec, peers, state string, o Options) []string {
	if o.Heartbeat == 0 {
		o.Heartbeat = 50 * time.Millisecond
	}
	if o.Election == 0 {
		o.Election = 10 * o.Heartbeat
	}
	listen := s.PeerListen
	if listen == "" {
		listen = s.Peer
	}
	list := []string{
		"--name=" + s.Name,
		"--data-dir=" + s.DataDir,
		"--listen-client-urls=" + s.Client,
		"--advertise-client-urls=" + s.Client,
		"--listen-peer-urls=" + listen,
		"--initial-advertise-peer-urls=" + s.Peer,
		"--initial-cluster=" + peers,
		"--initial-cluster-state=" + state,
		"--initial-cluster-token=fettle",
		"--heartbeat-interval=" + strconv.FormatInt(o.Heartbeat.Milliseconds(), 10),
		"--election-timeout=" + strconv.FormatInt(o.Election.Milliseconds(), 10),
		"--logger=zap",
	}
	if o.Quota != 0 {
		list = append(list, "--quota-backend-bytes="+strconv.FormatInt(o.Quota, 10))
	}
	if t := o.TLS; t != (cluster.TLS{}) {
		list = append(list,
			"--client-cert-auth", "--trusted-ca-file="+t.CAFile, "--cert-file="+t.CertFile, "--key-file="+t.KeyFile,
			"--peer-client-cert-auth", "--peer-trusted-ca-file="+t.CAFile, "--peer-cert-file="+t.CertFile, "--peer-key-file="+t.KeyFile)
	}
	return append(list, o.Args...)
}

// Inventory is the planned cluster as fettle's configuration would name it.
func Inventory(name string, specs []Spec, t cluster.TLS) cluster.Cluster {
	c := cluster.Cluster{Name: name, Kind: cluster.KindEtcd, TLS: t}
	for _, s := range specs {
		c.Members = append(c.Members, cluster.Member{
			Name: s.Name, Host: "localhost", Endpoint: s.Client, Peer: s.Peer, DataDir: s.DataDir,
		})
	}
	return c
}
