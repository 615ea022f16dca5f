//go:build servers

package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/consultest"
	"github.com/fettle-io/fettle/internal/demo"
	"github.com/fettle-io/fettle/internal/mysqltest"
	"github.com/fettle-io/fettle/internal/postgrestest"
	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/redistest"
	"github.com/fettle-io/fettle/internal/servertest"
)

// world is the demo with real servers of every kind beside it, and a Prometheus that sees
// all of them.
type world struct {
	dir        string
	began      time.Time
	stage      *demo.Stage
	etcd       string // the stage's own copy of the program
	databases  databases
	consul     *consultest.Centre
	redis      *redistest.Set
	sentinel   *redistest.Server
	website    *http.Server
	systems    systems
	hosts      hosts
	second     second
	prometheus string // its URL
}

// newWorld starts everything; the test's end ends it.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "fb") // a short one, for sockets
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) //nolint:gosec // the databases' users enter it
	w := &world{dir: dir, began: time.Now()}
	building, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()

	o := demo.Options{Dir: filepath.Join(dir, "d"), Fettle: filepath.Join(dir, "fettle"), Exporter: filepath.Join(dir, "fettle_exporter"), Settle: 2 * time.Second}
	must(t, os.Mkdir(o.Dir, 0o700))
	out, err := exec.CommandContext(building, "go", "build", "-buildvcs=false", "-o", dir+"/", "../cmd/fettle", "../cmd/fettle_exporter").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for name, path := range map[string]*string{"etcd": &o.Etcd, "prometheus": &o.Prometheus, "alertmanager": &o.Alertmanager} {
		p, err := programs.Find(building, name, programs.Options{})
		must(t, err)
		*path = p.Path
	}
	w.etcd = filepath.Join(dir, "etcd")
	program, err := os.ReadFile(o.Etcd)
	must(t, err)
	must(t, os.WriteFile(w.etcd, program, 0o700)) //nolint:gosec // a program
	o.Etcd = w.etcd
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	must(t, w.files())
	site := w.startWebsite(t)
	together(t,
		func() {
			w.databases.start(t, dir)
			w.redis = redistest.Replicated(t, 1, "appendonly yes")
			w.sentinel = redistest.Sentinel(t, "s0", w.redis.Primary.Address, 1)
			w.consul = consultest.Start(t, 3, "")
		},
		func() { w.startSystems(t) },
		func() { w.startSystemd(t, o.Exporter) },
		func() {
			w.startRouters(t, o.Exporter)
			w.startHardware(t, o.Exporter)
			w.startSecond(t, o.Fettle, o.Alertmanager)
		},
		func() {
			stage, err := demo.Start(ctx, o)
			must(t, err)
			w.stage = stage
			t.Cleanup(func() {
				if err := stage.Close(); err != nil {
					t.Error(err)
				}
			})
		},
	)
	t.Logf("all of it runs after %s", time.Since(w.began).Round(time.Second))

	exporter := servertest.FreeAddress(t)
	must(t, os.WriteFile(filepath.Join(dir, "exporter.yml"), []byte(w.exporterFile(site)), 0o600))
	// There is no systemd to ask, and of the text files one cannot be read.
	w.run(t, o.Exporter, "--config.file="+filepath.Join(dir, "exporter.yml"), "--web.listen-address="+exporter, "--collector.unit", "--collector.process",
		"--collector.textfile.directory="+filepath.Join(dir, "texts"), "--time.chrony-address="+w.systems.chronyd)
	address := servertest.FreeAddress(t)
	w.prometheus = "http://" + address
	must(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(w.prometheusFile(exporter)), 0o600))
	w.run(t, o.Prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+address)
	for w.data(ctx, "count(up == 1) == 10", false, w.began) != "" {
		select {
		case <-ctx.Done():
			up, err := w.ask(t.Context(), "up", false, w.began)
			t.Fatalf("not everything is scraped: %v %v", up, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run starts a program and ends it with the test; what it said is shown if that failed.
func (w *world) run(t *testing.T, argv ...string) {
	t.Helper()
	log, err := os.CreateTemp(w.dir, filepath.Base(argv[0])+"-*.log")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // ours
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it is killed
		_ = log.Close()
		if content, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(argv, " "), content[max(0, len(content)-4000):])
		}
	})
}

// command runs a program to its end.
func (w *world) command(t *testing.T, argv ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput() //nolint:gosec // ours
	return string(out), err
}

// exporterFile is the exporter.yml of the one that sees it all.
func (w *world) exporterFile(site string) string {
	var b strings.Builder
	member := func(name, endpoint string) {
		fmt.Fprintf(&b, "  - {name: %s, host: localhost, endpoint: %q}\n", name, endpoint)
	}
	b.WriteString("clusters:\n- name: demo\n  kind: etcd\n  etcd: {canary: {prefix: /fettle/canary/}}\n  members:\n")
	for _, s := range w.stage.Specs {
		member(s.Name, s.Client)
	}
	fmt.Fprintf(&b, "- name: shop\n  kind: mysql\n  depends_on: [db, www]\n  read: {username: fettle, password_file: %s}\n  members:\n", w.databases.password)
	member("a", w.databases.primary.Endpoint())
	member("b", w.databases.replica.Endpoint())
	fmt.Fprintf(&b, "- name: galera\n  kind: mysql\n  read: {username: fettle, password_file: %s}\n  members:\n", w.databases.password)
	member("a", w.databases.galera.Endpoint())
	fmt.Fprintf(&b, "- name: db\n  kind: postgres\n  depends_on: [demo]\n  read: {username: fettle, password_file: %s}\n  members:\n", w.databases.postgresPassword)
	for _, s := range w.databases.postgres.Servers {
		member(s.Name, "postgres://"+s.Address())
	}
	fmt.Fprintf(&b, "- name: cache\n  kind: redis\n  redis: {sentinels: [%q], master: main}\n  members:\n", w.sentinel.Address)
	for _, s := range w.redis.Servers() {
		member(s.Name, "redis://"+s.Address)
	}
	b.WriteString("- name: dc1\n  kind: consul\n  members:\n")
	for _, s := range w.consul.Servers {
		member(s.Name, s.URL)
	}
	b.WriteString(w.systems.inventory(w.databases.password))
	files := filepath.Join(w.dir, "files")
	fmt.Fprintf(&b, `- name: www
  kind: service
  members:
  - {name: origin, host: localhost, unit: nginx.service, data_dir: %[1]s/origin}
  - {name: mirror, host: localhost, unit: apache2.service, data_dir: %[1]s/mirror}
trees:
- {cluster: www, source: origin, every: 1m, settle: 1s}
values:
- {name: limit, cluster: www, file: "%[1]s/{member}.conf", key: Limit, equals: "5", same: true}
- {name: size, cluster: www, file: "%[1]s/{member}.conf", key: Size, equals: "5"}
backups:
- {name: nightly, cluster: db, report: %[1]s/report, every: 24h}
- {name: weekly, cluster: db, dir: %[1]s/backups, settle: 1s, every: 168h, keep: 2}
probes:
- {name: site, kind: http, target: %[2]q, timeout: 1s, failures: 1, tls: {ca_file: %[1]s/ca.pem}}
`, files, site)
	return b.String()
}

func (w *world) prometheusFile(exporter string) string {
	host := func(program string) string { return strings.TrimPrefix(w.stage.URL(program), "http://") }
	return fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%[1]q]
alerting: {alertmanagers: [{static_configs: [{targets: [%[2]q]}]}]}
scrape_configs:
- job_name: fettle_exporter
  static_configs: [{targets: [%[3]q, %[4]q, %[5]s]}]
- job_name: fettle
  authorization: {credentials_file: %[6]q}
  static_configs: [{targets: [%[7]q]}]
- job_name: second
  scheme: https
  tls_config: {ca_file: %[8]q}
  static_configs: [{targets: [%[9]q], labels: {job: fettle}}]
- job_name: alertmanager
  static_configs: [{targets: [%[2]q]}]
- job_name: prometheus
  static_configs: [{targets: [%[10]q]}]
`, filepath.Join(w.stage.Dir, "rules", "*.rules.yml"), w.second.alertmanager, host("fettle_exporter"), exporter, strings.Join(w.hosts.scraped, ", "),
		w.stage.TokenFile("metrics"), host("fettle"), w.second.authority, w.second.fettle, strings.TrimPrefix(w.prometheus, "http://"))
}

// data asks for what a panel would, and says why that is nothing: it is "" for data.
func (w *world) data(ctx context.Context, expr string, over bool, begin time.Time) string {
	switch values, err := w.values(ctx, expr, over, begin); {
	case err != nil:
		return err.Error() // it is what the panel would show
	case len(values) == 0:
		return "nothing, or nothing that is a number"
	}
	return ""
}

// values are all numbers that a panel would show, now or since begin.
func (w *world) values(ctx context.Context, expr string, over bool, begin time.Time) (values []float64, err error) {
	all, err := w.ask(ctx, expr, over, begin)
	for _, r := range all {
		for _, v := range append(r.Values, r.Value) {
			if text, ok := v[1].(string); ok {
				if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) {
					values = append(values, n)
				}
			}
		}
	}
	return values, err
}

// series is one of Prometheus' answer: with a value, or with several over time.
type series struct {
	Labels map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
	Values [][2]any          `json:"values"`
}

// ask puts values in place of the variables, and asks as Grafana would.
func (w *world) ask(ctx context.Context, expr string, over bool, begin time.Time) ([]series, error) {
	now := time.Now()
	since := max(int(now.Sub(begin).Seconds())+1, 10)
	text := strings.NewReplacer("$__rate_interval", "8s", "$__range", fmt.Sprintf("%ds", since), "$cluster", ".+", "$instance", ".+").Replace(expr)
	path, form := "/api/v1/query", url.Values{"query": {text}, "time": {seconds(now)}}
	if over {
		path, form = "/api/v1/query_range", url.Values{"query": {text}, "start": {seconds(begin)}, "end": {seconds(now)}, "step": {"1"}}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.prometheus+path+"?"+form.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []series `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Data.Result, nil
}

func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// databases are MariaDB and PostgreSQL, each with a copy behind a link that can be cut.
type databases struct {
	primary, replica           *mysqltest.Server
	galera                     *mysqltest.Server // a cluster of one
	relay                      *servertest.Relay
	postgres                   *postgrestest.Cluster
	password, postgresPassword string // files
	free                       string // host:port
}
