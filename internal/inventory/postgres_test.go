package inventory

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestPostgres(t *testing.T) {
	const member = "\n  members: [{name: a, endpoint: 'postgres://a:5432'}]"
	cs, err := checked("clusters:\n- name: db\n  kind: postgres\n  tls: {enabled: true}\n  read: {username: fettle, password_file: /p}\n  postgres: {database: app}\n"+
		"  members: [{name: a, endpoint: 'postgres://a:5432/'}, {name: b, host: b, endpoint: 'unix:///run/postgresql/.s.PGSQL.5432'}]", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c := cs[0]; c.Kind != cluster.KindPostgres || c.Postgres.Database != "app" || c.Members[0].Endpoint != "postgres://a:5432" || c.Members[0].Host != "a" {
		t.Errorf("%+v", c)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"of another kind": {"clusters:\n- name: db\n  kind: mysql\n  postgres: {database: app}\n  members: [{name: a, endpoint: 'mysql://a:3306'}]", `4:13: postgres is for clusters of kind postgres: leave it out`},
		"options in it":   {"clusters:\n- name: db\n  kind: postgres\n  postgres: {database: 'app sslmode=disable'}" + member, `4:24: database "app sslmode=disable" is not the plain name of a database: letters, digits, dots, dashes, underscores and dollars, at most 63`},
		"half a login":    {"clusters:\n- name: db\n  kind: postgres\n  read: {password_file: /p}" + member, `4:9: a login needs both username and password_file`},
		"a password":      {"clusters:\n- name: db\n  kind: postgres\n  members: [{name: a, endpoint: 'postgres://u:canary@a:5432'}]", `4:33: endpoint "…@a:5432" has a user or password in it: secrets stand in files, not in URLs`},
		"a database":      {"clusters:\n- name: db\n  kind: postgres\n  members: [{name: a, endpoint: 'postgres://a:5432/app'}]", `4:33: endpoint "postgres://a:5432/app" has a path: host and port are enough`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checked(tc.in, Options{})
			if err == nil {
				t.Fatal("was taken")
			}
			if got, want := err.Error(), "f.yml:"+tc.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
