package pacemaker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// shown is a Status in a few lines.
func shown(s *Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "controller=%s quorum=%v fencing=%v maintenance=%v failures=%d bans=%d left=%d\n", s.Controller, s.Quorum, s.Fencing, s.Maintenance, s.Failures, s.Bans, s.LeftOut)
	for _, n := range s.Nodes {
		fmt.Fprintf(&b, "%s online=%v standby=%v maintenance=%v pending=%v unclean=%v\n", n.Name, n.Online, n.Standby, n.Maintenance, n.Pending, n.Unclean)
	}
	for _, r := range s.Resources {
		fmt.Fprintf(&b, "%s on=%s promoted=%s managed=%v failed=%v blocked=%v disabled=%v\n", r.ID, strings.Join(r.On, ","), strings.Join(r.Promoted, ","), r.Managed, r.Failed, r.Blocked, r.Disabled)
	}
	return strings.NewReplacer("=false", "=0", "=true", "=1").Replace(b.String())
}

// What crm_mon of Pacemaker 2.1.5 wrote on a real cluster of two nodes.
func TestRead(t *testing.T) {
	const both = "n1 online=1 standby=0 maintenance=0 pending=0 unclean=0\nn2 online=1 standby=0 maintenance=0 pending=0 unclean=0\n"
	for name, want := range map[string]string{
		"healthy": "controller=n2 quorum=1 fencing=0 maintenance=0 failures=0 bans=0 left=0\n" + both + `ip on=n2 promoted= managed=1 failed=0 blocked=0 disabled=0
mail on=n2 promoted= managed=1 failed=0 blocked=0 disabled=0
state on=n1,n2 promoted=n1 managed=1 failed=0 blocked=0 disabled=0
web on=n1 promoted= managed=1 failed=0 blocked=0 disabled=0
`,
		"maintenance": "controller=n2 quorum=1 fencing=0 maintenance=1 failures=0 bans=0 left=0\n" + both + `ip on=n2 promoted= managed=0 failed=0 blocked=0 disabled=0
mail on=n2 promoted= managed=0 failed=0 blocked=0 disabled=0
state on=n1,n2 promoted=n1 managed=0 failed=0 blocked=0 disabled=0
web on=n1 promoted= managed=0 failed=0 blocked=0 disabled=0
`,
		"standby": `controller=n2 quorum=1 fencing=0 maintenance=0 failures=0 bans=0 left=0
n1 online=1 standby=0 maintenance=0 pending=0 unclean=0
n2 online=1 standby=1 maintenance=0 pending=0 unclean=0
ip on=n1 promoted= managed=1 failed=0 blocked=0 disabled=0
mail on=n1 promoted= managed=1 failed=0 blocked=0 disabled=0
state on=n1 promoted=n1 managed=1 failed=0 blocked=0 disabled=0
web on=n1 promoted= managed=1 failed=0 blocked=0 disabled=0
`,
		"mixed": "controller=n2 quorum=1 fencing=0 maintenance=0 failures=1 bans=1 left=0\n" + both + `ip on=n1 promoted= managed=1 failed=0 blocked=0 disabled=0
mail on= promoted= managed=0 failed=0 blocked=0 disabled=0
state on=n1,n2 promoted=n1 managed=1 failed=0 blocked=0 disabled=0
web on=n2 promoted= managed=1 failed=0 blocked=0 disabled=0
`,
		"split": `controller=n1 quorum=1 fencing=0 maintenance=0 failures=0 bans=1 left=0
n1 online=1 standby=0 maintenance=0 pending=0 unclean=0
n2 online=0 standby=0 maintenance=0 pending=0 unclean=0
ip on=n1 promoted= managed=1 failed=0 blocked=0 disabled=0
mail on= promoted= managed=0 failed=0 blocked=0 disabled=0
state on=n1 promoted=n1 managed=1 failed=0 blocked=0 disabled=0
web on= promoted= managed=1 failed=0 blocked=0 disabled=0
`,
	} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".xml"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := read(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := shown(s); got != want || s.Version != "2.1.5-a3f44794f94" {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestReadWhatIsNotInOrder(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "healthy.xml"))
	if err != nil {
		t.Fatal(err)
	}
	stopped, err := os.ReadFile(filepath.Join("testdata", "stopped.xml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"Pacemaker does not run": {string(stopped), cluster.Refused},
		"another error":          {`<pacemaker-result><status code="124" message="Timed out"/></pacemaker-result>`, cluster.Other},
		"nothing":                {"", cluster.BadProtocol},
		"half of it":             {string(whole[:len(whole)/2]), cluster.BadProtocol},
		"no summary":             {`<pacemaker-result><nodes/><status code="0" message="OK"/></pacemaker-result>`, cluster.BadProtocol},
		"text":                   {"Cluster Summary:\n  * Stack: corosync\n", cluster.BadProtocol},
		"of another program":     {`<crm_mon><summary/><status code="0"/></crm_mon>`, cluster.BadProtocol},
		"a bomb":                 {`<!DOCTYPE a [<!ENTITY b "bb">]><pacemaker-result>&b;</pacemaker-result>`, cluster.BadProtocol},
		"deep":                   {strings.Repeat("<group>", 100000), cluster.BadProtocol},
		"two roots":              {`<pacemaker-result><summary><current_dc present="true"/></summary></pacemaker-result><a>`, cluster.BadProtocol},
	} {
		if s, err := read([]byte(tt.text)); line.Reason(err) != tt.want {
			t.Errorf("%s: %+v, %v, want %s", name, s, err, tt.want)
		}
	}
}

func TestReadTooMany(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<pacemaker-result><summary><current_dc present="false"/></summary><nodes>`)
	for i := range maxNodes + 2 {
		fmt.Fprintf(&b, `<node name="n%d"/><node name="n0"/>`, i)
	}
	b.WriteString(`</nodes><resources>`)
	for i := range maxResources + 3 {
		fmt.Fprintf(&b, `<resource id="r%d"><node name="n1"/></resource>`, i)
	}
	fmt.Fprintf(&b, `<resource id="%s"/></resources><status code="0"/></pacemaker-result>`, strings.Repeat("a", maxName+1))
	s, err := read([]byte(b.String()))
	if err != nil || len(s.Nodes) != maxNodes || len(s.Resources) != maxResources || s.LeftOut < 6 || s.Quorum {
		t.Errorf("%v: %d nodes, %d resources, %d left out", err, len(s.Nodes), len(s.Resources), s.LeftOut)
	}
}

// A file that nobody writes any more is not what the cluster says.
func TestView(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "healthy.xml"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "status.xml")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	now := at
	c := cluster.Cluster{Name: "ha", Kind: cluster.KindPacemaker, Members: []cluster.Member{{Name: "n1", Endpoint: "file://" + path}, {Name: "n2", Endpoint: "file://" + path + ".none"}}}
	d, err := New(c, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		age  time.Duration
		want string
	}{{0, ""}, {time.Minute, ""}, {61 * time.Second, cluster.Timeout}, {-61 * time.Second, cluster.Other}} {
		now = at.Add(tt.age)
		v := d.View(context.Background())
		m, ok := v.Members[0].Detail.(*Member)
		if !ok || !m.Written.Equal(at) || v.Members[0].Error != tt.want || v.Members[0].Reachable != (tt.want == "") || (m.Status != nil) != (tt.want == "") {
			t.Errorf("%s: %+v", tt.age, v.Members[0])
		}
		if gone := v.Members[1]; gone.Error != cluster.Refused || gone.Detail != nil || gone.Name != "n2" {
			t.Errorf("%+v", gone)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
