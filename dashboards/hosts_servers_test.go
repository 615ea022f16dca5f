//go:build servers

package dashboards_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/netnstest"
	"github.com/fettle-io/fettle/internal/servertest"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

const exporterPort = "9773"

// hosts are machines with a network of their own, an exporter on each: one with a real
// systemd, and two routers with a real keepalived.
type hosts struct {
	systemd *systemdtest.Host
	routers []*netnstest.Host
	scraped []string // host:port, of relays to their exporters
}

// startSystemd boots a machine with services of which one runs, and one that is started
// again and again.
func (w *world) startSystemd(t *testing.T, program string) {
	t.Helper()
	conf := filepath.Join(w.dir, "apps.yml")
	must(t, os.WriteFile(conf, []byte(`clusters:
- name: apps
  kind: service
  members:
  - {name: good, host: localhost, unit: good.service}
  - {name: bad, host: localhost, unit: bad.service}
`), 0o600))
	h := systemdtest.Start(t, map[string]string{
		"good.service":     "[Service]\nExecStart=/bin/sleep infinity\n",
		"bad.service":      "[Service]\nExecStart=/bin/false\n",
		"again.service":    "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1\nRestart=always\nRestartSec=100ms\n",
		"exporter.service": "[Service]\nExecStart=" + systemdtest.Programs + "/fettle_exporter --config.file=" + systemdtest.Programs + "/apps.yml --web.listen-address=127.0.0.1:" + exporterPort + "\n",
	}, map[string]string{"fettle_exporter": program, "apps.yml": conf})
	w.hosts.systemd = h
	for _, unit := range []string{"good.service", "again.service", "exporter.service"} {
		_, err := h.Systemctl("start", unit)
		must(t, err)
	}
	w.relay(t, "127.0.0.1", h.Client().Transport)
}

// relay lets Prometheus scrape an exporter that is in another network.
func (w *world) relay(t *testing.T, host string, by http.RoundTripper) {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: net.JoinHostPort(host, exporterPort)})
	proxy.Transport, proxy.ErrorLog = by, slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	w.hosts.scraped = append(w.hosts.scraped, srv.Listener.Addr().String())
}

// startRouters starts two routers with one address between them, and a machine that is
// none: a clock that is an hour ahead.
func (w *world) startRouters(t *testing.T, program string) {
	t.Helper()
	all := netnstest.Start(t, 3)
	w.hosts.routers = all[:2]
	dir := filepath.Join(w.dir, "routers")
	var members strings.Builder
	for i, h := range w.hosts.routers {
		must(t, os.MkdirAll(filepath.Join(dir, fmt.Sprint(i)), 0o700))
		fmt.Fprintf(&members, "  - {name: r%d, host: %q, endpoint: \"unix://%s/%[1]d/bus\"}\n", i, h.Address, dir)
	}
	conf := filepath.Join(dir, "exporter.yml")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, `clusters:
- name: edge
  kind: keepalived
  keepalived: {addresses: [10.99.0.100]}
  members:
%s- name: far
  kind: service
  members:
  - {name: f1, host: %q, unit: far.service}
clocks: {compare: true, port: %s}
`, &members, all[2].Address, exporterPort), 0o600))
	for i, h := range w.hosts.routers {
		w.startRouter(t, filepath.Join(dir, fmt.Sprint(i)), h, 150-50*i)
		w.run(t, h.Argv(program, "--config.file="+conf, "--web.listen-address=:"+exporterPort)...)
		w.relay(t, h.Address, &http.Transport{DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			h.Do(func() { conn, err = new(net.Dialer).DialContext(ctx, network, address) })
			return conn, err
		}})
	}
	var l net.Listener
	var err error
	all[2].Do(func() { l, err = net.Listen("tcp", net.JoinHostPort(all[2].Address, exporterPort)) })
	must(t, err)
	far := &httptest.Server{Listener: l, Config: &http.Server{ReadHeaderTimeout: time.Second, Handler: exporter.Clock(func() time.Time { return time.Now().Add(time.Hour) })}}
	far.Start()
	t.Cleanup(far.Close)
}

func (w *world) startRouter(t *testing.T, dir string, h *netnstest.Host, priority int) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, "bus.conf"), fmt.Appendf(nil, `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`, dir), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "keepalived.conf"), fmt.Appendf(nil, `global_defs {
  enable_dbus
  vrrp_version 3
}
vrrp_instance VI_1 {
  state BACKUP
  interface e0
  virtual_router_id 51
  priority %d
  advert_int 0.2
  virtual_ipaddress {
    10.99.0.100/24
  }
}
`, priority), 0o600))
	bus := filepath.Join(dir, "bus")
	w.run(t, h.Argv("dbus-daemon", "--config-file="+bus+".conf", "--nofork", "--nopidfile")...)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(bus); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the bus does not listen")
		}
	}
	w.run(t, h.Argv("env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+bus,
		"keepalived", "-n", "-l", "--vrrp", "-f", filepath.Join(dir, "keepalived.conf"), "-p", filepath.Join(dir, "pid"), "-r", filepath.Join(dir, "vrrp"))...)
}

// startHardware starts an exporter over a /sys that was made up: an array, a bond, an NVMe
// disk, a sensor and memory, all in order.
func (w *world) startHardware(t *testing.T, program string) {
	t.Helper()
	for name, text := range map[string]string{
		"block/md0/md/array_state": "clean", "block/md0/md/raid_disks": "2", "block/md0/md/degraded": "0", "block/md0/md/sync_action": "idle",
		"class/net/bonding_masters": "bond0", "class/net/bond0/bonding/slaves": "eth0 eth1",
		"class/net/eth0/bonding_slave/mii_status": "up", "class/net/eth1/bonding_slave/mii_status": "up",
		"class/nvme/nvme0/state": "live", "class/hwmon/hwmon0/name": "coretemp", "class/hwmon/hwmon0/temp1_input": "45000",
		"devices/system/edac/mc/mc0/ce_count": "12", "devices/system/edac/mc/mc0/ue_count": "0",
	} {
		w.setHardware(t, name, text)
	}
	address := servertest.FreeAddress(t)
	w.run(t, program, "--collector.disable-defaults", "--collector.hardware", "--path.sysfs="+filepath.Join(w.dir, "sys"), "--config.file="+os.DevNull, "--web.listen-address="+address)
	w.hosts.scraped = append(w.hosts.scraped, address)
}

func (w *world) setHardware(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, "sys", name)
	must(t, os.MkdirAll(filepath.Dir(path), 0o755)) //nolint:gosec // as /sys is
	must(t, os.WriteFile(path, []byte(text+"\n"), 0o600))
}

// second is another fettle, with an anchor and TLS, and the Alertmanager that hands it
// the watchdog of this world's Prometheus.
type second struct {
	fettle, alertmanager string // host:port
	authority            string // file
}

func (w *world) startSecond(t *testing.T, fettle, alertmanager string) {
	t.Helper()
	dir := filepath.Join(w.dir, "second")
	must(t, os.Mkdir(dir, 0o700))
	s := &w.second
	s.fettle, s.alertmanager = servertest.FreeAddress(t), servertest.FreeAddress(t)
	ca := certtest.New(t, "ca")
	s.authority = ca.File
	pair := ca.Issue(t.TempDir(), 48*time.Hour, "127.0.0.1")
	out, err := w.command(t, fettle, "journal", "init", filepath.Join(dir, "journal"), "--key-file="+filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err, out)
	}
	for name, text := range map[string]string{
		"web.yml": fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}\n", pair.CertFile, pair.KeyFile),
		"fettle.yml": fmt.Sprintf(`journal: {dir: %[1]s/journal, key_file: %[1]s/key, anchors: [{file: %[1]s/anchor.jsonl}], anchor_every: 1s}
brake: %[1]s/pause
web: {listen: %[2]q, socket: %[1]s/fettle.sock, config_file: %[1]s/web.yml}
`, dir, s.fettle),
		"alertmanager.yml": fmt.Sprintf(`route:
  receiver: nobody
  routes:
  - {receiver: fettle, matchers: ['alertname="FettleWatchdog"'], group_wait: 0s, group_interval: 1s, repeat_interval: 1s}
receivers:
- name: nobody
- name: fettle
  webhook_configs:
  - {url: "https://%s/api/v1/alertmanager", http_config: {tls_config: {ca_file: %s}}}
`, s.fettle, s.authority),
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	w.run(t, fettle, "serve", "--config.file="+filepath.Join(dir, "fettle.yml"))
	w.run(t, alertmanager, "--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+filepath.Join(dir, "am"), "--web.listen-address="+s.alertmanager, "--cluster.listen-address=")
}
