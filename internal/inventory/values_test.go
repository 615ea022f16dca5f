package inventory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const someClusters = `clusters:
- {name: web, kind: service, members: [{name: w1, host: w1, unit: nginx.service, data_dir: /srv/www}, {name: w2, host: w2, data_dir: /srv/www}]}
- {name: main, kind: etcd, members: [{name: m1, endpoint: "http://m1:2379"}]}
`

// loaded reads an exporter.yml with these lines behind the clusters.
func loadedExporter(t *testing.T, lines string) (Exporter, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.yml")
	if err := os.WriteFile(path, []byte(someClusters+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadExporter(path)
}

func TestDeclared(t *testing.T) {
	e, err := loadedExporter(t, `
digest_key_file: /etc/fettle/digest.key
values:
- {name: root-login, cluster: web, file: /etc/ssh/sshd_config, key: PermitRootLogin, equals: no}
- {name: site, cluster: web, file: "/etc/nginx/{member}.conf", same: true}
- {name: firewall, cluster: web, file: /var/lib/fettle/nft, max_age: 10m, sha256: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881}
- {name: journal, cluster: web, file: /etc/systemd/journald.conf, key: Journal.SystemMaxUse, at_most: 2G}
- {name: swap, cluster: web, sysctl: vm.swappiness, one_of: ["1", 10]}
- {name: forward, cluster: web, sysctl: net/ipv4/conf/eth0.10/forwarding, equals: 0}
- {name: memory, cluster: web, limit: memory.max, cgroup: /system.slice/x.service, at_least: 1G}
- {name: https, cluster: web, port: 443}
- {name: version, cluster: main, version: true, at_least: "3.6", same: true}
backups:
- {name: db, cluster: main, dir: /var/backups, keep: 7, retain: 168h, min_size: 1MiB, every: 24h, verified_file: /var/backups/.verified}
- {name: other, report: /var/lib/backup/report, every: 1h}
trees:
- {cluster: web, source: w1}
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Values) != 9 || e.Values[0].Equals != "no" || e.Values[4].OneOf[1] != "10" || e.Values[2].MaxAge != 10*time.Minute || e.Values[7].Port != 443 {
		t.Errorf("%+v", e.Values)
	}
	if b := e.Backups[0]; b.Files != "*" || b.Settle != time.Minute || b.MinSize != 1<<20 || b.Retain != 7*24*time.Hour {
		t.Errorf("%+v", b)
	}
	if tree := e.Trees[0]; tree.Every != 10*time.Minute || tree.Settle != time.Hour {
		t.Errorf("%+v", tree)
	}
}

// Each mistake, and all that is told.
func TestDeclaredRefuses(t *testing.T) {
	value := func(s string) string { return "values:\n- {name: a, " + s + "}" }
	backup := func(s string) string { return "backups:\n- {name: a, " + s + "}" }
	for name, tc := range map[string]struct{ in, want string }{
		"no name":         {"values:\n- {cluster: web, port: 1}", "5:3: it has no name: give it one, it is a label of its metrics"},
		"name":            {"values:\n- {name: A b, cluster: web, port: 1}", `5:10: name "A b" must be lower-case letters, digits and dashes, at most 63, and not begin with a dash`},
		"twice":           {"values:\n- {name: a, cluster: web, port: 1}\n- {name: a, cluster: web, port: 2}", `6:10: "a" is there twice: names are unique`},
		"no cluster":      {value("port: 1"), "5:3: it names no cluster: say whose members it is about (one machine alone is a cluster of kind service with one member)"},
		"cluster":         {value("cluster: wep, port: 1"), `5:22: cluster "wep" is not in the inventory; did you mean "web"?`},
		"nowhere":         {value("cluster: web, equals: 1"), "5:3: a value stands in exactly one place: write one of file, sysctl, limit, port and version"},
		"in two places":   {value("cluster: web, port: 1, version: true"), "5:3: a value stands in exactly one place: write one of file, sysctl, limit, port and version"},
		"relative":        {value("cluster: web, file: a, same: true"), `5:33: file "a" is not absolute: write the whole path, from / on`},
		"dots":            {value("cluster: web, file: /a/../b, same: true"), `5:33: file "/a/../b" is not written plainly: write "/b"`},
		"key alone":       {value("cluster: web, sysctl: vm.swappiness, key: x, equals: 1"), "5:55: key is a setting in a file: write file, too"},
		"key":             {value("cluster: web, file: /a, key: a b, equals: 1"), `5:42: key "a b" has a blank, a quote or one of = : # ; [ ] in it: write SECTION.KEY for a key below a line [SECTION]`},
		"max_age":         {value("cluster: web, port: 1, max_age: 1m"), "5:45: max_age is the age of a file: write file, too"},
		"sysctl":          {value("cluster: web, sysctl: ../../etc/passwd, equals: 1"), `5:35: sysctl "../../etc/passwd" is no name of a kernel's setting: write it like vm.swappiness`},
		"sysctl's dots":   {value("cluster: web, sysctl: vm/.., equals: 1"), `5:35: sysctl "vm/.." is no name of a kernel's setting: write it like vm.swappiness`},
		"limit":           {value("cluster: web, limit: ../x, cgroup: /a, equals: 1"), `5:34: limit "../x" is no file of a cgroup: write it like memory.max`},
		"whose limit":     {value("cluster: web, limit: memory.max, equals: 1"), `5:34: member "w2" has no unit, whose limit it could be: give it one, or write cgroup`},
		"cgroup":          {value("cluster: web, port: 1, cgroup: /a"), "5:44: cgroup says whose limit is meant: write limit, too"},
		"cgroup's dots":   {value("cluster: web, limit: memory.max, cgroup: /../x, equals: 1"), `5:54: cgroup "/../x" is not written plainly: write "/x"`},
		"port 0":          {value("cluster: web, port: 0"), "5:33: port is not 1 to 65535"},
		"port and more":   {value("cluster: web, port: 1, same: true"), "5:33: with port nothing else is asked for: somebody listens there, or nobody"},
		"version of what": {value("cluster: web, version: true, at_least: 1"), "5:36: a member of kind service is not asked for its version: name a key in a file that has it"},
		"how":             {value("cluster: main, version: true"), "5:3: it does not say how the value has to be: write one of equals, one_of, at_least, at_most, sha256 and same"},
		"a whole file":    {value("cluster: web, file: /a, equals: x"), "5:33: a whole file is compared by sha256, or with that of the other members by same: name the key whose value is meant"},
		"sum of a key":    {value("cluster: web, file: /a, key: x, sha256: x"), "5:53: sha256 is that of a whole file: write equals"},
		"sum":             {value("cluster: web, file: /a, sha256: ABC"), "5:45: it is no SHA-256: write the 64 lower-case hexadecimal digits that sha256sum prints"},
		"equals and more": {value("cluster: web, sysctl: vm.a, equals: 1, one_of: [2]"), "5:60: both equals and one_of are given: keep one"},
		"one of none":     {value("cluster: web, sysctl: vm.a, one_of: []"), "5:49: one_of is empty: nothing could be so"},
		"size":            {value("cluster: web, sysctl: vm.a, at_least: 1h"), `5:51: at_least "1h" is not a size: write it like 10, 512M or max`},
		"version":         {value("cluster: main, version: true, at_most: new"), `5:52: at_most "new" is not a version: write it like 3.6 or 3.6.1`},

		"backup nowhere":      {backup("every: 1h"), "5:3: a backup is seen in exactly one place: write dir, where its copies are, or report, the file that tells of it"},
		"backup in two":       {backup("dir: /a, report: /b"), "5:3: a backup is seen in exactly one place: write dir, where its copies are, or report, the file that tells of it"},
		"backup's cluster":    {backup("dir: /a, cluster: x"), `5:31: cluster "x" is not in the inventory; known here: main, web`},
		"copies of a report":  {backup("report: /a, keep: 1"), "5:31: keep is about the copies in dir: a report tells of none"},
		"pattern":             {backup(`dir: /a, files: "["`), `5:29: files "[" is no pattern of names in one directory: write it like db-*.sql.gz`},
		"pattern with a path": {backup(`dir: /a, files: "a/*"`), `5:29: files "a/*" is no pattern of names in one directory: write it like db-*.sql.gz`},
		"backup's host":       {backup("dir: /a, host: a b"), `5:28: host "a b" is no host name and no address`},
		"keep":                {backup("dir: /a, keep: -1"), "5:28: keep is below 0: write how many copies there have to be"},

		"tree of what":     {"trees:\n- {cluster: main, source: m1}", "5:13: cluster \"main\" is of kind etcd: a tree's copies are a cluster of kind service of their own"},
		"tree's source":    {"trees:\n- {cluster: web, source: w3}", `5:26: cluster "web" has no member "w3"; did you mean "w1"?`},
		"no source":        {"trees:\n- {cluster: web}", "5:3: the tree has no source: name the member whose copy the others follow"},
		"two trees":        {"trees:\n- {cluster: web, source: w1}\n- {cluster: web, source: w2}", `6:13: cluster "web" has two trees: its members have one data_dir each`},
		"too often":        {"trees:\n- {cluster: web, source: w1, every: 1s}", "5:37: every is below a minute, and a walk reads every directory: write 1m or more"},
		"too many to read": {"trees:" + strings.Repeat("\n- {cluster: web, source: w1}", maxTrees+1), "4:1: trees has 21 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadedExporter(t, tc.in)
			if err == nil {
				t.Fatal("was taken")
			}
			first, _, _ := strings.Cut(err.Error(), "f.yml:")
			got := strings.ReplaceAll(err.Error(), first, "")
			if want := "f.yml:" + tc.want; got != want && !(name == "too many to read" && strings.Contains(got, "trees has 21 entries, 20 are the most")) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
