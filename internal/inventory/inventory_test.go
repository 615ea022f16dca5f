package inventory

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

type file struct {
	Clusters []cluster.Cluster `yaml:"clusters"`
}

// check reads one cluster with one member, of which some lines are replaced.
func checked(in string, o Options) ([]cluster.Cluster, error) {
	doc := strictyaml.Parse("f.yml", []byte(in))
	var f file
	doc.Decode(&f)
	Check(doc, strictyaml.Path{"clusters"}, f.Clusters, o)
	return f.Clusters, doc.Err()
}

var repairs = Options{Repairs: true, LookPath: func(name string) (string, error) {
	if name == "etcdsuper" {
		return "/usr/bin/etcdsuper", nil
	}
	return "", errors.New("not found")
}}

func TestCheckFillsIn(t *testing.T) {
	cs, err := checked(`
clusters:
- name: demo
  kind: etcd
  tls: {ca_file: /etc/ca.pem, cert_file: /etc/c.pem, key_file: /etc/k.pem, server_name: etcd}
  read: {username: u, password_file: /etc/fettle/password}
  members:
  - {name: m2, endpoint: "https://[::1]:2379/", peer: "https://[::1]:2380/", unit: etcd@m2.service, data_dir: /var/lib/etcd, member_id: 8e9e05c52164694d}
  - {name: m1.example.com, endpoint: "http://m1.example.com:2379", peer: "http://m1.example.com:2380", metrics: "http://m1.example.com:2381/metrics",
     commands: {status: [etcdsuper, status, m1], kill: [/usr/bin/ssh, m1, kill, "{identity}"], start: [etcdsuper, start, m1]}}
- name: web
  kind: service
  members:
  - {name: w1, host: localhost, unit: nginx.service}
  - {name: w2, endpoint: "tcp://10.0.0.2:80", commands: {status: [/bin/status], restart: [/bin/restart, "bash", "x"]}}
`, repairs)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, c := range cs {
		for _, m := range c.Members {
			order = append(order, c.Name+"/"+m.Name+"@"+m.Host)
		}
	}
	if got, want := strings.Join(order, " "), "demo/m2@::1 demo/m1.example.com@m1.example.com web/w1@localhost web/w2@10.0.0.2"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if m := cs[0].Members[0]; m.Endpoint != "https://[::1]:2379" || m.Peer != "https://[::1]:2380" {
		t.Errorf("URLs keep their last slash: %+v", m)
	}
}

const good = `- name: m1
    endpoint: http://127.0.0.1:2379
    peer: http://127.0.0.1:2380`

// Each mistake, made in an otherwise good member or cluster, and all that is told.
func TestCheckRefuses(t *testing.T) {
	member := func(lines string) string {
		return "clusters:\n- name: demo\n  kind: etcd\n  members:\n  " + good + "\n" + lines
	}
	service := func(lines string) string {
		return "clusters:\n- name: web\n  kind: service\n  members:\n  - name: w1\n" + lines
	}
	for name, tc := range map[string]struct{ in, want string }{
		"cluster name":    {"clusters:\n- name: Demo\n  kind: etcd\n  members:\n  " + good, `2:9: cluster name "Demo" must be lower-case letters, digits and dashes, at most 63, and not begin with a dash`},
		"no cluster name": {"clusters:\n- kind: etcd\n  members:\n  " + good, "2:3: the cluster has no name: give it one, it is the label `cluster` of its metrics"},
		"member of two clusters": {
			"clusters:\n- name: a\n  kind: etcd\n  members:\n  " + good + "\n- name: b\n  kind: etcd\n  members:\n  " + good,
			`12:15: members "m1" of cluster "a" and "m1" of cluster "b" have the same endpoint: a member is in one cluster`,
		},
		"dependency on nothing": {
			"clusters:\n- {name: db, kind: service, depends_on: [dsn, db2, db2], members: [{name: a, host: a, unit: a.service}]}\n- {name: dns, kind: service, members: [{name: a, host: a, unit: b.service}]}\n- {name: db2, kind: service, members: [{name: a, host: a, unit: c.service}]}",
			"2:42: cluster \"db\" depends on \"dsn\", which is not in the inventory; did you mean \"dns\"?\nf.yml:2:52: cluster \"db\" depends on \"db2\" twice: keep one",
		},
		"dependency on itself": {
			"clusters:\n- {name: db, kind: service, depends_on: [db], members: [{name: a, host: a, unit: a.service}]}",
			`2:41: the dependencies go in a circle: db → db. Take out the one that the cluster can do without`,
		},
		"dependencies in a circle": {
			"clusters:\n- {name: top, kind: service, depends_on: [web], members: [{name: a, host: a, unit: a.service}]}\n- {name: web, kind: service, depends_on: [db], members: [{name: a, host: a, unit: b.service}]}\n- {name: db, kind: service, depends_on: [dns], members: [{name: a, host: a, unit: c.service}]}\n- {name: dns, kind: service, depends_on: [web], members: [{name: a, host: a, unit: d.service}]}",
			`3:42: the dependencies go in a circle: web → db → dns → web. Take out the one that the cluster can do without`,
		},
		"cluster twice":   {member("- name: demo\n  kind: etcd\n  members:\n  " + good), `8:9: cluster "demo" is declared twice, first on line 2: names are unique`},
		"kind":            {"clusters:\n- name: demo\n  kind: ectd\n  members:\n  " + good, `3:9: unknown kind "ectd"; did you mean "etcd"?`},
		"no kind":         {"clusters:\n- name: demo\n  members:\n  " + good, `2:3: the cluster has no kind: write one of etcd, consul, mysql, postgres, redis, mongodb, kafka, nats, zookeeper, haproxy, nginx, keepalived, gluster, pacemaker, service`},
		"no members":      {"clusters:\n- name: demo\n  kind: etcd\n", `2:3: the cluster has no members: list at least one`},
		"member key":      {member("    data-dir: /x"), `8:5: unknown key "data-dir" in clusters[0].members[0]; did you mean "data_dir"?`},
		"no member name":  {"clusters:\n- name: demo\n  kind: etcd\n  members:\n  - endpoint: http://a:1\n    peer: http://a:2\n", "5:5: the member has no name: give it one, it is the label `member` of its metrics"},
		"member name":     {service("    host: a\n    unit: a.service\n  - name: -rf\n    host: a\n    unit: b.service"), `8:11: member name "-rf" must be letters, digits, dots, dashes and underscores, at most 127, and begin with a letter or digit`},
		"member twice":    {member("  - name: m1\n    endpoint: http://127.0.0.1:1\n    peer: http://127.0.0.1:2"), `8:11: members "m1" and "m1" of the cluster have the same name: each has its own`},
		"copied endpoint": {member("  - name: m2\n    endpoint: http://127.0.0.1:2379/\n    peer: http://127.0.0.1:2"), `9:15: members "m1" and "m2" of the cluster have the same endpoint: each has its own`},
		"copied unit":     {service("    host: a\n    unit: a.service\n  - {name: w2, host: a, unit: a.service}"), `8:31: members "w1" and "w2" of the cluster have the same unit: each has its own`},
		"no endpoint, peer": {"clusters:\n- name: demo\n  kind: etcd\n  members:\n  - name: m1\n    host: a", `5:5: the member has no endpoint: write its client URL, such as http://127.0.0.1:2379
f.yml:5:5: the member has no peer: write its peer URL, such as http://127.0.0.1:2380 (it tells what hangs, and what has started without a quorum)`},
		"endpoint":              {member("  - name: m2\n    endpoint: localhost:2379\n    peer: http://b:2380"), `9:15: endpoint "localhost:2379" is no URL that can be asked: write it like http:// or https://host:port`},
		"endpoint's scheme":     {member("  - name: m2\n    endpoint: ftp://b:21\n    peer: http://b:2380"), `9:15: endpoint "ftp://b:21" is no URL that can be asked: write it like http:// or https://host:port`},
		"endpoint without port": {member("  - name: m2\n    endpoint: http://b\n    peer: http://b:2380"), `9:15: endpoint "http://b" has no port: write it like http://host:port`},
		"endpoint's path":       {member("  - name: m2\n    endpoint: http://b:1/v3\n    peer: http://b:2380"), `9:15: endpoint "http://b:1/v3" has a path: host and port are enough`},
		"endpoint's password":   {member("  - name: m2\n    endpoint: http://root:x@b:1\n    peer: http://b:2380"), `9:15: endpoint "…@b:1" has a user or password in it: secrets stand in files, not in URLs`},
		"port":                  {member("  - name: m2\n    endpoint: http://b:70000\n    peer: http://b:2380"), `9:15: endpoint "http://b:70000" has a port that is not 1 to 65535`},
		"metrics' query":        {member("    metrics: http://b/metrics?a=b"), `8:14: metrics "http://b/metrics?a=b" has a query or fragment: leave it out`},
		"peer of a service":     {service("    host: a\n    unit: a.service\n    peer: http://a:2380"), `8:11: a member of kind service has no peers: leave peer out`},
		"no host":               {service("    unit: a.service"), `5:5: the member has neither a host nor an endpoint: say where it runs (host: localhost for this machine)`},
		"host":                  {service("    host: a b\n    unit: a.service"), `6:11: host "a b" is no host name and no address`},
		"nothing runs it":       {service("    host: a"), `5:5: the member has neither a unit nor commands: say what runs it`},
		"unit without type":     {service("    host: a\n    unit: nginx"), `7:11: unit "nginx" has no type: write nginx.service`},
		"unit of another type":  {service("    host: a\n    unit: nginx.timer"), `7:11: unit "nginx.timer" is not the name of a systemd service: write it like etcd.service or etcd@m1.service`},
		"unit with a path":      {service("    host: a\n    unit: ../a.service"), `7:11: unit "../a.service" is not the name of a systemd service: write it like etcd.service or etcd@m1.service`},
		"relative data_dir":     {member("    data_dir: data/m1"), `8:15: data_dir "data/m1" is not absolute: write the whole path, from / on`},
		"data_dir with dots":    {member("    data_dir: /var/../etc"), `8:15: data_dir "/var/../etc" is not written plainly: write "/etc"`},
		"member_id":             {member("    member_id: 0x8E"), `8:16: member_id "0x8E" must be the ID as etcd prints it: at most 16 lower-case hexadecimal digits, without 0x`},
		"half a certificate":    {"clusters:\n- name: demo\n  kind: etcd\n  tls: {cert_file: /c}\n  members:\n  - {name: m, endpoint: \"https://a:1\", peer: \"https://a:2\"}", `4:8: a client certificate needs both cert_file and key_file`},
		"tls without https":     {"clusters:\n- name: demo\n  kind: etcd\n  tls: {ca_file: /c}\n  members:\n  " + good, `4:8: tls is declared, but no member is asked over https: write its endpoint as https://…, or leave tls out`},
		"half a login":          {"clusters:\n- name: demo\n  kind: etcd\n  read: {username: u}\n  members:\n  " + good, `4:9: a login needs both username and password_file`},
		"no status":             {member("    commands: {start: [/bin/start]}"), `8:15: start is declared without status: what cannot be looked at is not acted on, declare status too`},
		"empty command":         {member("    commands: {status: []}"), `8:24: status is empty: write the program and its arguments as a list`},
		"text for a command":    {member("    commands: {status: /bin/status m1}"), `8:24: clusters[0].members[0].commands.status wants a list, not "/bin/status m1"`},
		"one text in the list":  {member("    commands: {status: [/bin/status m1]}"), `8:25: "/bin/status m1" is not one program: write each argument as an element of its own, no shell splits them`},
		"not in PATH":           {member("    commands: {status: [etcdsupper, status]}"), `8:25: "etcdsupper" is not in PATH: write its whole path`},
		"relative command":      {member("    commands: {status: [./status]}"), `8:25: "./status" is not absolute: write the whole path, from / on`},
		"shell":                 {member("    commands: {status: [/bin/sh, -c, 'echo $x']}"), `8:24: status runs a shell over a text: write the program and its arguments as a list, or put the script into a file`},
		"shell behind env":      {member("    commands: {status: [/usr/bin/env, bash, -lc, x]}"), `8:24: status runs a shell over a text: write the program and its arguments as a list, or put the script into a file`},
		"identity in start":     {member("    commands: {status: [/bin/s], start: [/bin/s, '{identity}']}"), `8:50: {identity} stands only in kill: start acts on no one process`},
		"identity inside":       {member("    commands: {status: [/bin/s], kill: [/bin/kill, 'p={identity}']}"), `8:52: {identity} must be an argument of its own`},
		"kill of whom":          {member("    commands: {status: [/bin/s], kill: [/bin/kill, m1]}"), `8:40: kill does not say which process it ends: give it the argument "{identity}", so that it never ends the wrong one`},
		"line end in argv":      {member("    commands: {status: [/bin/s, \"a\\nb\"]}"), `8:33: "a\nb" has a line end or NUL in it`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checked(tc.in, repairs)
			if err == nil {
				t.Fatal("was taken")
			}
			if got, want := err.Error(), "f.yml:"+tc.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestLoadExporter(t *testing.T) {
	e, err := LoadExporter("testdata/exporter.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Clusters) != 1 || len(e.Clusters[0].Members) != 3 || e.Clusters[0].Members[2].Host != "10.0.0.3" {
		t.Errorf("clusters %+v", e.Clusters)
	}
	if on, said := e.Collectors["disk"]; on || !said || !e.Collectors["raft"] {
		t.Errorf("collectors %v", e.Collectors)
	}
	if _, err := LoadExporter(filepath.Join(t.TempDir(), "none.yml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	_, err = LoadExporter("testdata/invalid-exporter.yml")
	want := `testdata/invalid-exporter.yml:2:5: unknown key "nmae" in clusters[0]; did you mean "name"?
testdata/invalid-exporter.yml:2:5: the cluster has no members: list at least one
testdata/invalid-exporter.yml:5:3: "Disk" is no collector's name
testdata/invalid-exporter.yml:6:9: collectors.raft wants true or false, not "off"
testdata/invalid-exporter.yml:7:1: unknown key "autonomy" at the top level; known here: backups, clocks, clusters, collectors, digest_key_file, heartbeat, probes, trees, values`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
