package inventory

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestGluster(t *testing.T) {
	const begin, members = "clusters:\n- name: files\n  kind: gluster\n", "\n  members: [{name: s1, endpoint: 'gluster://a:24007'}, {name: s2, endpoint: 'gluster://b:24007'}]"
	cs, err := checked(begin+"  gluster: {bricks: [{volume: v, member: s1, path: /b}, {volume: v, member: s2, path: /b}]}"+members, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c := cs[0]; c.Gluster.Bricks[1] != (cluster.GlusterBrick{Volume: "v", Member: "s2", Path: "/b"}) || c.Members[0].Host != "a" {
		t.Errorf("%+v", c)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"of another kind": {"clusters:\n- name: lb\n  kind: haproxy\n  gluster: {bricks: [{volume: v, member: a, path: /b}]}\n  members: [{name: a, endpoint: 'unix:///b'}]", `4:12: gluster is for clusters of kind gluster: leave it out`},
		"no volume":       {begin + "  gluster: {bricks: [{member: s1, path: /b}]}" + members, `4:22: volume "" must be letters, digits, dashes and underscores, at most 255`},
		"no member":       {begin + "  gluster: {bricks: [{volume: v, member: s3, path: /b}]}" + members, `4:22: the cluster has no member "s3": name the server that has the brick`},
		"not a path":      {begin + "  gluster: {bricks: [{volume: v, member: s1, path: b}]}" + members, `4:22: path "b" is not absolute: write the whole path, from / on`},
		"twice":           {begin + "  gluster: {bricks: [{volume: v, member: s1, path: /b}, {volume: w, member: s1, path: /b}]}" + members, `4:57: brick "/b" of member "s1" is listed twice: keep one`},
		"a relative path": {begin + "  gluster: {heal_reports: run, bricks: [{volume: v, member: s1, path: /b}]}" + members, `4:27: heal_reports "run" is not absolute: write the whole path, from / on`},
		"no bricks":       {begin + "  gluster: {heal_reports: /run/fettle-gluster}" + members, `4:12: heal_reports are about the volumes of the bricks: declare these as well`},
		"an age alone":    {begin + "  gluster: {max_age: 1m, bricks: [{volume: v, member: s1, path: /b}]}" + members, `4:12: max_age is how old a report may be: declare heal_reports as well, or leave it out`},
		"too young":       {begin + "  gluster: {heal_reports: /r, max_age: 1s, bricks: [{volume: v, member: s1, path: /b}]}" + members, `4:40: max_age: want 5s to 24h, not 1s`},
		"a login":         {begin + "  read: {username: u, password_file: /p}" + members, `4:9: a login is declared, but clusters of kind gluster are asked without one: leave it out`},
		"tls":             {begin + "  tls: {ca_file: /p}" + members, `4:8: tls is declared, but clusters of kind gluster are asked without it: leave it out`},
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
