//go:build servers

package pacemaker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

// one is corosync.conf of a cluster of one node, on its own loopback.
const one = `totem {
  version: 2
  cluster_name: fettle
  transport: udpu
  crypto_cipher: none
  crypto_hash: none
}
nodelist {
  node {
    ring0_addr: 127.0.0.1
    name: n1
    nodeid: 1
  }
}
quorum {
  provider: corosync_votequorum
  expected_votes: 1
}
logging {
  to_syslog: no
  to_stderr: yes
}
system {
  move_to_root_cgroup: no
}
`

// The units of docs/collectors/pacemaker.md, as they stand there, under a real systemd,
// beside Debian's own units of Corosync and Pacemaker.
func TestDocumentedUnits(t *testing.T) {
	t.Parallel()
	units := systemdtest.Documented(t, filepath.Join("..", "..", "docs", "collectors", "pacemaker.md"), "fettle-crm_mon.service", "fettle-crm_mon.timer")
	dir := t.TempDir()
	files := map[string]string{}
	for name, text := range map[string]string{"corosync.conf": one, "cib.xml": cib} {
		files[name] = filepath.Join(dir, name)
		if err := os.WriteFile(files[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := systemdtest.Start(t, units, files)
	do := func(argv ...string) string {
		t.Helper()
		out, err := h.Run(argv...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	do("groupadd", "--force", "--system", "fettle-exporter")
	do("sh", "-c", "hostname n1; ip link set lo up; cp /opt/fettle-test/corosync.conf /etc/corosync/; rm -rf /var/lib/pacemaker/cib/* /var/lib/corosync/*; "+
		"install -o hacluster -g haclient -m 600 /opt/fettle-test/cib.xml /var/lib/pacemaker/cib/cib.xml")
	const path = "/run/fettle-crm_mon/status.xml"
	d, err := New(cluster.Cluster{Name: "ha", Kind: cluster.KindPacemaker, Members: []cluster.Member{{Name: "n1", Endpoint: "file://" + h.Path(path)}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	until := func(want string) {
		t.Helper()
		var got string
		for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
			m := d.View(t.Context()).Members[0]
			if got = m.Error; m.Reachable {
				s := m.Detail.(*Member).Status
				got = strings.Join([]string{"controller", s.Controller}, " ")
				for _, r := range s.Resources {
					got += ", " + r.ID + " on " + strings.Join(r.On, " ")
				}
			}
			if got == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("waited in vain for %q, got %q: %s", want, got, m.Why)
			}
		}
	}

	t.Log("Pacemaker does not run: that it cannot be asked is written down as well")
	do("systemctl", "start", "fettle-crm_mon.service")
	until(cluster.Refused)

	t.Log("the timer writes again and again, what only hacluster may ask, for the exporter's group")
	do("systemctl", "start", "corosync.service", "pacemaker.service")
	do("systemctl", "start", "fettle-crm_mon.timer")
	until("controller n1, web on n1")
	do("setpriv", "--reuid=nobody", "--regid=fettle-exporter", "--clear-groups", "cat", path)
	if out, err := h.Run("setpriv", "--reuid=nobody", "--regid=fettle-exporter", "--clear-groups", "crm_mon", "--one-shot"); err == nil {
		t.Errorf("the exporter's group may ask Pacemaker itself: %s", out)
	}

	t.Log("crm_mon hangs: it is ended, and the old file stays")
	do("systemctl", "stop", "fettle-crm_mon.timer", "fettle-crm_mon.service") // or it writes once more
	before := do("stat", "--format=%Y %i", path)
	do("systemctl", "kill", "--signal=STOP", "--kill-whom=all", "pacemaker.service")
	if out, err := h.Run("systemctl", "start", "fettle-crm_mon.service"); err == nil {
		t.Errorf("it did not fail: %s", out)
	}
	if after := do("stat", "--format=%Y %i", path); after != before {
		t.Errorf("the file was %s and is %s", before, after)
	}
	do("systemctl", "kill", "--signal=CONT", "--kill-whom=all", "pacemaker.service")
}
