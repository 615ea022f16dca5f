//go:build release && linux

package installtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

// What a newcomer has before fettle: three members of an etcd cluster, a Prometheus and
// an Alertmanager, each a unit with a user of its own.
const (
	etcdUnit = `[Unit]
Description=etcd member %i
[Service]
Type=notify
TimeoutStartSec=infinity
User=etcd
EnvironmentFile=/etc/etcd/%i
ExecStart=/opt/fettle-test/etcd --name=%i --data-dir=/var/lib/etcd/%i \
  --listen-client-urls=http://${IP}:2379 --advertise-client-urls=http://${IP}:2379 \
  --listen-peer-urls=http://${IP}:2380 --initial-advertise-peer-urls=http://${IP}:2380 \
  --initial-cluster=m1=http://127.0.0.1:2380,m2=http://127.0.0.2:2380,m3=http://127.0.0.3:2380
[Install]
WantedBy=multi-user.target
`
	prometheusUnit = `[Service]
Type=exec
User=prometheus
ExecStart=/opt/fettle-test/prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/var/lib/prometheus --web.listen-address=127.0.0.1:9090
ExecReload=/bin/kill -HUP $MAINPID
[Install]
WantedBy=multi-user.target
`
	alertmanagerUnit = `[Service]
Type=exec
User=prometheus
ExecStart=/opt/fettle-test/alertmanager --config.file=/etc/alertmanager/alertmanager.yml --storage.path=/var/lib/alertmanager --web.listen-address=127.0.0.1:9093 --cluster.listen-address=
ExecReload=/bin/kill -HUP $MAINPID
[Install]
WantedBy=multi-user.target
`
	emptyPrometheus   = "global: {scrape_interval: 15s}\n"
	emptyAlertmanager = "route: {receiver: people}\nreceivers: [{name: people}]\n"
)

// testFirstCluster goes along docs/how-to/first-cluster.md: each command as it stands
// there, in that order, on a machine that has the package and nothing else of ours.
func testFirstCluster(t *testing.T, packages map[string]string) {
	m := newcomer(t, packages)
	p := &walk{machine: m, blocks: blocks(t, "how-to/first-cluster.md")}

	p.do("sudo fettle init --etcd")
	// The one thing that the test does differently: it waits for seconds and not for a
	// minute until a repair counts.
	p.edit("/etc/fettle/fettle.yml", func(text string) string {
		return text + "\noverrides:\n  all: {settle: 5s}\n"
	})
	p.do("sudo fettle check")
	p.do("sudo install")
	p.do("sudo cp /usr/share/fettle/prometheus")
	p.do("sudo systemctl enable fettle")
	m.await("ok", "fettle", "check", "--online")
	p.do("sudo fettle check --online")

	first := m.must("systemctl", "show", "--property=InvocationID", "--value", "etcd@m2")
	p.do("sudo systemctl kill")
	m.await("observed", "fettle", "runs")
	p.do("sudo fettle runs")
	p.do("sudo fettle plan")
	if out, err := m.Run("systemctl", "is-active", "etcd@m2"); err == nil {
		t.Errorf("fettle was to observe, and the member is %s", out)
	}
	p.do("sudo systemctl start etcd@m2")
	m.await("", "bash", "-c", "! fettle episodes --open | grep m2")
	p.do("sudo fettle replay")

	p.do("sudo fettle init --polkit")
	p.do("sudo sed")
	p.do("sudo systemctl kill")
	m.await("repaired", "fettle", "runs")
	m.must("systemctl", "is-active", "etcd@m2")
	if second := m.must("systemctl", "show", "--property=InvocationID", "--value", "etcd@m2"); second == first {
		t.Errorf("repaired, and it is the same process: %s", second)
	}
	if health := m.get("http://127.0.0.2:2379/health"); !strings.Contains(health, `"true"`) {
		t.Errorf("the repaired member says %s", health)
	}
	out := p.do("sudo fettle explain main/m2")
	if !strings.Contains(out, "repaired") || !strings.Contains(out, "verified") {
		t.Errorf("explained:\n%s", out)
	}
	p.do("sudo touch /run/fettle/pause")
	p.done()
}

// newcomer is a machine with an etcd cluster, Prometheus and Alertmanager that run, and
// with fettle's packages.
func newcomer(t *testing.T, packages map[string]string) machine {
	t.Helper()
	inside := map[string]string{"fettle.deb": packages["fettle.deb"], "exporter.deb": packages["fettle-exporter.deb"]}
	for _, name := range []string{"etcd", "prometheus", "alertmanager"} {
		p, err := programs.Find(t.Context(), name, programs.Options{Progress: func(line string) { t.Log(line) }})
		if err != nil {
			t.Fatal(err)
		}
		inside[name] = p.Path
	}
	m := machine{t, systemdtest.StartClean(t, map[string]string{
		"etcd@.service": etcdUnit, "prometheus.service": prometheusUnit, "alertmanager.service": alertmanagerUnit,
	}, inside)}
	for _, user := range []string{"etcd", "prometheus"} {
		m.must("useradd", "--system", "--no-create-home", "--shell=/usr/sbin/nologin", user)
	}
	m.must("install", "-d", "/etc/etcd", "/etc/prometheus", "/etc/alertmanager")
	m.must("install", "-d", "-m", "0700", "-o", "etcd", "/var/lib/etcd")
	m.must("install", "-d", "-m", "0700", "-o", "prometheus", "/var/lib/prometheus", "/var/lib/alertmanager")
	m.write("/etc/prometheus/prometheus.yml", emptyPrometheus)
	m.write("/etc/alertmanager/alertmanager.yml", emptyAlertmanager)
	units := []string{"prometheus.service", "alertmanager.service"}
	for i := 1; i <= 3; i++ {
		m.write(fmt.Sprintf("/etc/etcd/m%d", i), fmt.Sprintf("IP=127.0.0.%d\n", i))
		units = append(units, fmt.Sprintf("etcd@m%d.service", i))
	}
	m.must(append([]string{"systemctl", "enable", "--now"}, units...)...)
	m.must("dpkg", "--install", debs+"fettle.deb", debs+"exporter.deb")
	return m
}

// blocks are the commands of a page under docs, block by block.
func blocks(t *testing.T, page string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		found = append(found, m[1])
	}
	return found
}

// walk goes along the blocks of a page.
type walk struct {
	machine
	blocks []string
}

// do runs the next block, which begins as given.
func (w *walk) do(begins string) string {
	w.t.Helper()
	if len(w.blocks) == 0 || !strings.HasPrefix(w.blocks[0], begins) {
		w.t.Fatalf("the page does not go on with %q, but with %q: change this test with it", begins, w.blocks)
	}
	block := w.blocks[0]
	w.blocks = w.blocks[1:]
	began := time.Now()
	out, err := w.Run("bash", "-euo", "pipefail", "-c", block)
	w.t.Logf("%.1f s\n%s%s", time.Since(began).Seconds(), block, out)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.log())
	}
	return out
}

// done checks that nothing of the page is left.
func (w *walk) done() {
	w.t.Helper()
	if len(w.blocks) > 0 {
		w.t.Errorf("these commands of the page were not run: %q", w.blocks)
	}
}

func (w *walk) edit(path string, change func(string) string) {
	w.t.Helper()
	text, err := os.ReadFile(w.Path(path))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(path, change(string(text)))
}
