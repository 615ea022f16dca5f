package inventory

import "testing"

func TestMySQL(t *testing.T) {
	const members = "\n  members: [{name: a, endpoint: \"mysql://10.0.0.1:3306\"}]"
	cs, err := checked("clusters:\n- name: db\n  kind: mysql\n  mysql: {heartbeat_table: percona.heartbeat, heartbeat_utc: true}\n  members:\n  - {name: a, endpoint: \"unix:///run/mysqld/mysqld.sock\", host: db1}\n  - {name: b, endpoint: \"mysql://10.0.0.2:3306/\"}\n", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m := cs[0].MySQL; m.HeartbeatTable != "percona.heartbeat" || !m.HeartbeatUTC || cs[0].Members[1].Endpoint != "mysql://10.0.0.2:3306" {
		t.Errorf("%+v", cs[0])
	}
	for name, tc := range map[string]struct{ in, want string }{
		"another kind":      {"kind: redis\n  mysql: {heartbeat_table: a.b}\n  members: [{name: a, endpoint: \"redis://10.0.0.1:6379\"}]", `f.yml:4:10: mysql is declared, but the cluster is of kind "redis": leave it out`},
		"no database":       {"kind: mysql\n  mysql: {heartbeat_table: heartbeat}" + members, `f.yml:4:28: heartbeat_table "heartbeat" is no table: write it like percona.heartbeat`},
		"a quote":           {"kind: mysql\n  mysql: {heartbeat_table: \"a.b` WHERE 1; --\"}" + members, "f.yml:4:28: heartbeat_table \"a.b` WHERE 1; --\" is no table: write it like percona.heartbeat"},
		"utc alone":         {"kind: mysql\n  mysql: {heartbeat_utc: true}" + members, `f.yml:4:26: heartbeat_utc is declared without heartbeat_table: name the table too, or leave it out`},
		"user in the URL":   {"kind: mysql\n  members: [{name: a, endpoint: \"mysql://root:secret@10.0.0.1:3306\"}]", `f.yml:4:33: endpoint "…@10.0.0.1:3306" has a user or password in it: secrets stand in files, not in URLs`},
		"no port":           {"kind: mysql\n  members: [{name: a, endpoint: \"mysql://10.0.0.1\"}]", `f.yml:4:33: endpoint "mysql://10.0.0.1" has no port: write it like mysql://host:port`},
		"database in a URL": {"kind: mysql\n  members: [{name: a, endpoint: \"mysql://10.0.0.1:3306/db\"}]", `f.yml:4:33: endpoint "mysql://10.0.0.1:3306/db" has a path: host and port are enough`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checked("clusters:\n- name: db\n  "+tc.in+"\n", Options{})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got\n%v\nwant\n%s", err, tc.want)
			}
		})
	}
}
