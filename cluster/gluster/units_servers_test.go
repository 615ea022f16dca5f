//go:build servers

package gluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

// The units of docs/collectors/gluster.md, as they stand there, under a real systemd,
// beside Debian's own unit of glusterd.
func TestDocumentedUnits(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "collectors", "gluster.md")
	units := systemdtest.Documented(t, page, "fettle-gluster@.service", "fettle-gluster@.timer")
	dir := filepath.Join(t.TempDir(), "fettle-gluster.conf")
	if err := os.WriteFile(dir, []byte(systemdtest.Documented(t, page, "fettle-gluster.conf")["fettle-gluster.conf"]), 0o600); err != nil {
		t.Fatal(err)
	}
	h := systemdtest.Start(t, units, map[string]string{"fettle-gluster.conf": dir})
	do := func(argv ...string) string {
		t.Helper()
		out, err := h.Run(argv...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	do("groupadd", "--force", "--system", "fettle-exporter")
	do("systemd-tmpfiles", "--create", "/opt/fettle-test/fettle-gluster.conf")
	do("sh", "-c", "ip link set lo up; ip address add 10.98.0.1/32 dev lo; rm -rf /var/lib/glusterd/*; mkdir -p /run/gluster /run/b1 /run/b2")

	t.Log("glusterd does not run: gluster fails, and nothing is moved into place")
	if out, err := h.Run("systemctl", "start", "fettle-gluster@v.service"); err == nil {
		t.Errorf("it did not fail: %s", out)
	}
	const path = "/run/fettle-gluster/v.xml"
	if out, err := h.Run("stat", path); err == nil {
		t.Errorf("there is a report: %s", out)
	}

	t.Log("the timer writes what only root may ask, for the exporter's group alone")
	do("systemctl", "start", "glusterd.service")
	do("gluster", "--mode=script", "volume", "create", "v", "replica", "2", "10.98.0.1:/run/b1/b", "10.98.0.1:/run/b2/b", "force")
	do("gluster", "--mode=script", "volume", "start", "v")
	do("systemctl", "start", "fettle-gluster@v.timer")
	d, err := New(cluster.Cluster{Name: "files", Kind: cluster.KindGluster, Gluster: cluster.Gluster{
		HealReports: h.Path(filepath.Dir(path)), Bricks: []cluster.GlusterBrick{{Volume: "v", Member: "s1", Path: "/run/b1/b"}},
	}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		s := d.View(t.Context()).Detail.(*Summary)
		if r = s.Reports[0]; r.Up && r.Entries != nil && *r.Entries == 0 && r.Unasked == 0 {
			break
		}
		if time.Now().After(end) {
			text, _ := h.Run("sh", "-c", "ls -l /run/fettle-gluster; cat "+path)
			t.Fatalf("waited in vain for a report: %+v, %v\n%s", r, s.Err, text)
		}
		if !r.Written.IsZero() && !r.Up || r.Unasked > 0 { // its bricks were not up yet; the timer waits for a minute
			_, _ = h.Run("systemctl", "start", "fettle-gluster@v.service")
		}
	}
	do("setpriv", "--reuid=nobody", "--regid=fettle-exporter", "--clear-groups", "cat", path)
	if out, err := h.Run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat", path); err == nil {
		t.Errorf("everybody may read it: %s", out)
	}

	t.Log("gluster hangs: it is ended, after a second instead of a minute, and the old report stays")
	do("systemctl", "stop", "fettle-gluster@v.timer", "fettle-gluster@v.service") // or it writes once more
	if r = d.View(t.Context()).Detail.(*Summary).Reports[0]; !r.Up {
		t.Fatalf("the report has gone: %+v", r)
	}
	do("sh", "-c", "mkdir /etc/systemd/system/fettle-gluster@.service.d; "+
		"printf '[Service]\\nTimeoutStartSec=1s\\n' > /etc/systemd/system/fettle-gluster@.service.d/sooner.conf; systemctl daemon-reload; systemctl kill --signal=STOP --kill-whom=main glusterd.service")
	if out, err := h.Run("systemctl", "start", "fettle-gluster@v.service"); err == nil {
		t.Errorf("it did not fail: %s", out)
	}
	if now := d.View(t.Context()).Detail.(*Summary).Reports[0]; !now.Written.Equal(r.Written) {
		t.Errorf("the report was written at %s and is at %s", r.Written, now.Written)
	}
	do("systemctl", "kill", "--signal=CONT", "--kill-whom=main", "glusterd.service")
}
