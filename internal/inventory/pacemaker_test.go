package inventory

import (
	"testing"
	"time"
)

func TestPacemaker(t *testing.T) {
	const begin, member = "clusters:\n- name: ha\n  kind: pacemaker\n", "\n  members: [{name: n1, host: n1, endpoint: 'file:///run/a.xml'}, {name: n2, host: n2, endpoint: 'file:///run/a.xml'}]"
	cs, err := checked(begin+"  pacemaker: {max_age: 30s}"+member, Options{})
	if err != nil || cs[0].Pacemaker.MaxAge != 30*time.Second || cs[0].Members[0].Host != "n1" || cs[0].Members[0].Endpoint != "file:///run/a.xml" {
		t.Errorf("%+v, %v", cs, err)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"of another kind": {"clusters:\n- name: lb\n  kind: haproxy\n  pacemaker: {max_age: 30s}\n  members: [{name: a, endpoint: 'unix:///b'}]", `4:14: pacemaker is for clusters of kind pacemaker: leave it out`},
		"too short":       {begin + "  pacemaker: {max_age: 1s}" + member, `4:24: max_age: want 5s to 1h, not 1s`},
		"a socket":        {begin + "  members: [{name: a, host: a, endpoint: 'unix:///run/crm'}]", `4:42: endpoint "unix:///run/crm" is nothing that can be asked: write it like file:///run/fettle-crm_mon/status.xml`},
		"no endpoint":     {begin + "  members: [{name: a, host: a}]", `4:13: the member has no endpoint: say where it answers, such as file:///run/fettle-crm_mon/status.xml`},
		"not plainly":     {begin + "  members: [{name: a, host: a, endpoint: 'file:///run/../a'}]", `4:42: endpoint "file:///run/../a" is not written plainly: write "/a"`},
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
