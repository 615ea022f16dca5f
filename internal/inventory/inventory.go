// Package inventory checks the clusters that a configuration file declares, which
// fettle.yml and exporter.yml do in the same form, and reads exporter.yml. It
// knows nothing of repairs, so that the exporter links none of the engine.
package inventory

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Options say what a file's inventory is for.
type Options struct {
	// Repairs demands what repairs need and a look does not: peer URLs, and a
	// unit or commands for a service.
	Repairs bool
	// LookPath finds a command that is named without a directory, as
	// exec.LookPath does; nil: such a name is taken as it is.
	LookPath func(file string) (string, error)
}

var (
	clusterName = lazily(`^[a-z0-9][a-z0-9-]{0,62}$`)
	memberName  = lazily(`^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$`)
	hostName    = lazily(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$|^[0-9A-Fa-f:.]{2,45}$`)
	unitName    = lazily(`^[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,240}\.service$`)
	memberID    = lazily(`^[0-9a-f]{1,16}$`)
)

// Check checks the clusters that stand at path `at` of doc, reports to doc what is
// wrong, and fills in what follows from the rest: a member's host. The order of
// clusters and members is kept.
func Check(doc *strictyaml.Document, at strictyaml.Path, clusters []cluster.Cluster, o Options) {
	endpoints := map[string]cluster.Target{}
	for i := range clusters {
		c := check{doc: doc, at: at.Join(i), Options: o}
		c.cluster(&clusters[i])
		if same := slices.IndexFunc(clusters[:i], func(b cluster.Cluster) bool { return b.Name == clusters[i].Name }); same >= 0 {
			c.errorf("name", "cluster %s is declared twice, first on line %d: names are unique",
				strictyaml.Clip(clusters[i].Name), doc.Position(at.Join(same)).Line)
		}
		c.otherClusters(clusters[i], endpoints)
	}
	dependencies(doc, at, clusters)
}

// check is the check of one cluster or member.
type check struct {
	Options
	doc  *strictyaml.Document
	at   strictyaml.Path
	kind cluster.Kind
}

func (c check) errorf(key, format string, args ...any) {
	c.doc.Errorf(c.at.Join(key), format, args...)
}

func (c check) cluster(cl *cluster.Cluster) {
	switch {
	case cl.Name == "":
		c.errorf("name", "the cluster has no name: give it one, it is the label `cluster` of its metrics")
	case !clusterName.MatchString(cl.Name):
		c.errorf("name", "cluster name %s must be lower-case letters, digits and dashes, at most 63, and not begin with a dash", strictyaml.Clip(cl.Name))
	}
	switch {
	case cl.Kind == "":
		c.errorf("kind", "the cluster has no kind: write one of %s", strings.Join(Kinds(), ", "))
	case !slices.Contains(Kinds(), string(cl.Kind)):
		c.errorf("kind", "unknown kind %s; %s", strictyaml.Clip(string(cl.Kind)), strictyaml.DidYouMean(string(cl.Kind), Kinds()))
	}
	if len(cl.Members) == 0 {
		c.errorf("members", "the cluster has no members: list at least one")
	}
	c.credentials(cl)
	c.etcd(cl)
	c.redis(*cl)
	c.mongodb(*cl)
	c.kafka(*cl)
	c.mysql(cl)
	c.postgres(*cl)
	c.keepalived(*cl)
	c.pacemaker(*cl)
	c.gluster(*cl)
	for i := range cl.Members {
		m := c
		m.at, m.kind = c.at.Join("members", i), cl.Kind
		m.member(&cl.Members[i])
		m.unique(cl.Members[:i], cl.Members[i])
	}
}

func (c check) credentials(cl *cluster.Cluster) {
	for _, f := range []struct{ key, path string }{
		{"ca_file", cl.TLS.CAFile}, {"cert_file", cl.TLS.CertFile}, {"key_file", cl.TLS.KeyFile},
	} {
		c.path(c.at.Join("tls", f.key), f.key, f.path)
	}
	if (cl.TLS.CertFile == "") != (cl.TLS.KeyFile == "") {
		c.errorf("tls", "a client certificate needs both cert_file and key_file")
	}
	https := slices.ContainsFunc(cl.Members, func(m cluster.Member) bool {
		return strings.HasPrefix(m.Endpoint, "https:") || strings.HasPrefix(m.Metrics, "https:")
	})
	if k := kindOf(cl.Kind); cl.TLS.On() && k.scheme && !https {
		c.errorf("tls", "tls is declared, but no member is asked over https: write its endpoint as https://…, or leave tls out")
	}
	if k := kindOf(cl.Kind); k.plain && cl.TLS.On() {
		c.errorf("tls", "tls is declared, but clusters of kind %s are asked without it: leave it out", cl.Kind)
	}
	if k := kindOf(cl.Kind); k.plain && cl.Read != (cluster.Login{}) {
		c.errorf("read", "a login is declared, but clusters of kind %s are asked without one: leave it out", cl.Kind)
		return
	}
	c.path(c.at.Join("read", "password_file"), "password_file", cl.Read.PasswordFile)
	if (cl.Read.Username == "") != (cl.Read.PasswordFile == "") && !(kindOf(cl.Kind).token && cl.Read.Username == "") {
		c.errorf("read", "a login needs both username and password_file")
	}
}

func (c check) member(m *cluster.Member) {
	switch {
	case m.Name == "":
		c.errorf("name", "the member has no name: give it one, it is the label `member` of its metrics")
	case !memberName.MatchString(m.Name):
		c.errorf("name", "member name %s must be letters, digits, dots, dashes and underscores, at most 127, and begin with a letter or digit", strictyaml.Clip(m.Name))
	}
	c.urls(m)
	switch {
	case m.Host == "" && m.Endpoint == "":
		c.errorf("host", "the member has neither a host nor an endpoint: say where it runs (host: localhost for this machine)")
	case m.Host != "" && !hostName.MatchString(m.Host):
		c.errorf("host", "host %s is no host name and no address", strictyaml.Clip(m.Host))
	}
	switch {
	case m.Unit == "" && m.Commands.Status == nil && c.kind == cluster.KindService && c.Repairs:
		c.errorf("unit", "the member has neither a unit nor commands: say what runs it")
	case m.Unit != "" && unitName.MatchString(m.Unit+".service") && !strings.Contains(m.Unit, "."):
		c.errorf("unit", "unit %s has no type: write %s.service", strictyaml.Clip(m.Unit), m.Unit)
	case m.Unit != "" && !unitName.MatchString(m.Unit):
		c.errorf("unit", "unit %s is not the name of a systemd service: write it like etcd.service or etcd@m1.service", strictyaml.Clip(m.Unit))
	}
	c.path(c.at.Join("data_dir"), "data_dir", m.DataDir)
	if m.MemberID != "" && !memberID.MatchString(m.MemberID) {
		c.errorf("member_id", "member_id %s must be the ID as etcd prints it: at most 16 lower-case hexadecimal digits, without 0x", strictyaml.Clip(m.MemberID))
	}
	c.commands(m.Commands)
}

// unique refuses what two members of a cluster cannot share: usually a line that
// was copied and not changed.
func (c check) unique(before []cluster.Member, m cluster.Member) {
	for _, b := range before {
		for _, f := range []struct{ key, mine, other string }{
			{"name", m.Name, b.Name}, {"endpoint", whole(m), whole(b)}, {"peer", m.Peer, b.Peer}, {"member_id", m.MemberID, b.MemberID},
			{"unit", onHost(m, m.Unit), onHost(b, b.Unit)}, {"data_dir", onHost(m, m.DataDir), onHost(b, b.DataDir)},
		} {
			if f.mine != "" && f.mine == f.other {
				c.errorf(f.key, "members %s and %s of the cluster have the same %s: each has its own",
					strictyaml.Clip(b.Name), strictyaml.Clip(m.Name), f.key)
			}
		}
	}
}

// otherClusters refuses a member of a quorum in two clusters: repairs of the one would
// not ask for the quorum of the other. known are the endpoints so far.
func (c check) otherClusters(mine cluster.Cluster, known map[string]cluster.Target) {
	for i, m := range mine.Members {
		if !kindOf(mine.Kind).quorum || m.Endpoint == "" {
			continue
		}
		other, taken := known[m.Endpoint]
		if !taken {
			known[m.Endpoint] = cluster.Target{Cluster: mine, Member: m}
		} else if other.Cluster.Name != mine.Name {
			c.doc.Errorf(c.at.Join("members", i, "endpoint"), "members %s of cluster %s and %s of cluster %s have the same endpoint: a member is in one cluster",
				strictyaml.Clip(other.Member.Name), strictyaml.Clip(other.Cluster.Name), strictyaml.Clip(m.Name), strictyaml.Clip(mine.Name))
		}
	}
}

// whole is where a member answers, wherever it is asked from.
func whole(m cluster.Member) string {
	if m.Local() {
		return onHost(m, m.Endpoint)
	}
	return m.Endpoint
}

func onHost(m cluster.Member, s string) string {
	if s == "" {
		return ""
	}
	return m.Host + " " + s
}

func (c check) path(at strictyaml.Path, key, path string) {
	if problem := PathProblem(path); path != "" && problem != "" {
		c.doc.Errorf(at, "%s %s %s", key, strictyaml.Clip(path), problem)
	}
}

// PathProblem says what is wrong with the path of a file or directory on a host,
// or "": it is absolute, without . and .. and anything that is no text.
func PathProblem(path string) string {
	switch {
	case strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has control characters"
	case !strings.HasPrefix(path, "/"):
		return "is not absolute: write the whole path, from / on"
	case filepath.Clean(path) != strings.TrimSuffix(path, "/"):
		return fmt.Sprintf("is not written plainly: write %s", strictyaml.Clip(filepath.Clean(path)))
	}
	return ""
}
