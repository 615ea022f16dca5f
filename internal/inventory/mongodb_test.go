package inventory

import (
	"testing"
	"time"
)

func TestMongoDB(t *testing.T) {
	set := func(kind, section string) string {
		return "clusters:\n- name: docs\n  kind: " + kind + "\n  mongodb: " + section + "\n  members: [{name: m0, endpoint: \"" + kind + "://10.0.0.1:27017\"}]\n"
	}
	cs, err := checked(set("mongodb", "{set: rs0, max_silence: 10s}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m := cs[0].MongoDB; m.Set != "rs0" || m.MaxSilence != 10*time.Second {
		t.Errorf("%+v", m)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"another kind": {set("redis", "{set: rs0}"), `4:12: mongodb is declared, but the cluster is of kind "redis": leave it out`},
		"set":          {set("mongodb", `{set: "rs0/a:1"}`), `4:18: set "rs0/a:1" is no replica set's name: write what rs.conf() has as _id`},
		"silence":      {set("mongodb", "{max_silence: 1ms}"), `4:26: max_silence 1ms is less than a second: heartbeats come every 2s`},
		"key":          {set("mongodb", "{sets: a}"), `4:13: unknown key "sets" in clusters[0].mongodb; did you mean "set"?`},
	} {
		_, err := checked(tc.in, Options{})
		if err == nil || err.Error() != "f.yml:"+tc.want {
			t.Errorf("%s: got\n%v\nwant\n%s", name, err, tc.want)
		}
	}
}
