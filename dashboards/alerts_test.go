package dashboards_test

import (
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/console"
	"github.com/fettle-io/fettle/rules"
)

const pages = "https://github.com/fettle-io/fettle/blob/main/docs/alerts/"

// What a panel links to is there: an alert with its page, or fettle's own pages.
func TestLinksOfPanels(t *testing.T) {
	exprs := expressions(t)
	own := ownPages(t)
	for at, p := range byTitle(t) {
		leads := false
		for _, l := range p.Links {
			name, ok := strings.CutPrefix(l.URL, pages)
			switch {
			case ok:
				alert := strings.TrimSuffix(name, ".md")
				if _, err := os.Stat("../docs/alerts/" + name); err != nil || exprs[alert] == "" {
					t.Errorf("%s: there is no alert %s with a page", at, alert)
				}
			case !own[strings.TrimPrefix(l.URL, "${fettle_url}")] || !strings.HasPrefix(l.URL, "${fettle_url}/"):
				t.Errorf("%s leads to %s, which is no page of fettle's, or no part of one: there are %v", at, l.URL, slices.Sorted(maps.Keys(own)))
			default:
				leads = true
			}
		}
		if !leads {
			t.Errorf("%s does not lead to fettle's own pages", at)
		}
		if p.Type == "table" && strings.Contains(p.Targets[0].Expr, "by (alertname, severity") {
			if _, ok := p.Transformations[0].Options.IndexByName["alertname"]; !ok {
				t.Errorf("%s hides the alerts' names", at)
			}
		}
	}
}

// ownPages are the pages that fettle's console serves, and their parts.
func ownPages(t *testing.T) map[string]bool {
	t.Helper()
	k, err := console.New(console.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	served := gin.New()
	k.Register(served)
	own := map[string]bool{}
	for path, file := range map[string]string{"/": "overview.html", "/repairs": "repairs.html", "/episodes": "episodes.html"} {
		if !slices.ContainsFunc(served.Routes(), func(r gin.RouteInfo) bool { return r.Method == http.MethodGet && r.Path == path }) {
			t.Errorf("the console has no page %s", path)
		}
		own[path] = true
		page, err := os.ReadFile(filepath.Join("../console/pages", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`<h2 id="(\w+)"`).FindAllStringSubmatch(string(page), -1) {
			own[path+"#"+m[1]] = true
		}
	}
	return own
}

// A panel links to every alert that reads what it shows, and every alert has a panel.
func TestAlertsHavePanels(t *testing.T) {
	shown := map[string]bool{}
	panels, alerts := byTitle(t), map[string][]string{}
	for _, r := range allRules(t) {
		if r.Alert != "" {
			alerts[r.Alert] = slices.DeleteFunc(reads(t, r.Expr), func(name string) bool { return !strings.Contains(name, "_") })
		}
	}
	for at, p := range panels {
		of := map[string]bool{}
		for _, q := range p.Targets {
			for _, name := range reads(t, withoutVariables(q.Expr)) {
				of[name] = true
			}
		}
		for alert, read := range alerts {
			linked := slices.ContainsFunc(p.Links, func(l link) bool { return l.URL == pages+alert+".md" })
			shown[alert] = shown[alert] || linked
			if !linked && slices.ContainsFunc(read, func(name string) bool { return of[name] }) {
				t.Errorf("%s shows what %s reads: run `make dashboards`", at, alert)
			}
		}
	}
	for alert := range alerts {
		if !shown[alert] {
			t.Errorf("no panel is about %s: let the one nearest to it, in dashboards/generate, see it", alert)
		}
	}
}

// reads are the names of the series that an expression reads.
func reads(t *testing.T, expr string) (names []string) {
	t.Helper()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatal(err)
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			names = append(names, s.Name)
		}
		return nil
	})
	return names
}

// A state changes its colour where the alert begins to fire. Should the rule change,
// comparison is no longer in its expression, and the panel has to follow.
func TestStatesAreThoseOfTheAlerts(t *testing.T) {
	exprs, panels := expressions(t), byTitle(t)
	for _, tc := range []struct {
		panel, alert, comparison string
		step                     float64
	}{
		{"raft.json: Failures tolerated", "FettleRaftNoFailureTolerance", "fettle_raft_margin) == 0", 0},
		{"raft.json: Failures tolerated", "FettleRaftQuorumLost", "fettle_raft_margin) < 0", 0},
		{"overview.json: Failures tolerated", "FettleRaftQuorumLost", "fettle_raft_margin) < 0", 0},
		{"raft.json: Leader", "FettleRaftNoLeader", "fettle_raft_has_leader) == 0", 1},
		{"raft.json: Members reachable", "FettleRaftMemberDown", "fettle_raft_member_reachable) == 0", 1},
		{"raft.json: Alarms", "FettleRaftNoSpace", `{alarm="NOSPACE"}) == 1`, 1},
		{"raft.json: Alarms", "FettleRaftCorrupt", `{alarm="CORRUPT"}) == 1`, 1},
		{"replication.json: Copies follow", "FettleSyncStopped", "fettle_sync_running) == 0", 1},
		{"probes.json: Synchronised", "FettleClockNotSynchronised", "fettle_time_synchronised == 0", 1},
		{"self.json: Exporters", "FettleExporterDown", `up{job="fettle_exporter"} == 0`, 1},
		{"self.json: Collectors", "FettleCollectorFailing", "fettle_collector_success == 0", 1},
		{"self.json: Scraped", "FettleDown", `up{job="fettle"} == 0`, 1},
		{"repairs.json: Journal writable", "FettleJournalNotWritable", "fettle_journal_writable == 0", 1},
		{"self.json: Configuration taken", "FettleConfigReloadFailed", "fettle_config_last_reload_successful == 0", 1},
		{"overview.json: Failures tolerated", "FettleNatsQuorumLost", "fettle_nats_meta_margin) < 0", 0},
		{"raft.json: Meta group: failures tolerated", "FettleNatsQuorumLost", "fettle_nats_meta_margin) < 0", 0},
		{"raft.json: Ensemble: failures tolerated", "FettleZookeeperQuorumLost", "fettle_zookeeper_margin) < 0", 0},
		{"raft.json: Streams have a leader", "FettleNatsStreamNoLeader", "fettle_nats_stream_has_leader) == 0", 1},
		{"raft.json: Servers healthy", "FettleConsulServerUnhealthy", "fettle_consul_server_healthy) == 0", 1},
		{"replication.json: Set: primaries", "FettleMongodbNoPrimary", "fettle_mongodb_primaries) != 1", 2},
		{"replication.json: WAL archive fails", "FettleArchiveFailing", "fettle_postgres_archive_failing) == 1", 1},
		{"replication.json: Links to the primary", "FettleRedisLinkDown", "fettle_redis_link_up) == 0", 1},
		{"replication.json: Sentinels: quorum", "FettleSentinelQuorumLost", "fettle_redis_sentinel_quorum_ok) == 0", 1},
		{"balancers.json: Backends", "FettleBackendDown", "fettle_haproxy_backend_up) == 0", 1},
		{"balancers.json: Holders of an address", "FettleAddressOnTwo", "(fettle_keepalived_holds_address)) > 1", 2},
		{"balancers.json: Holders of an address", "FettleAddressOnNone", "(fettle_keepalived_holds_address)) == 0", 1},
		{"node.json: RAID arrays", "FettleRaidStopped", "fettle_node_raid_active == 0", 1},
		{"node.json: Disks missing in arrays", "FettleRaidDegraded", "fettle_node_raid_disks_missing > 0", 1},
		{"node.json: NVMe disks live", "FettleDiskGone", "fettle_node_nvme_live == 0", 1},
		{"self.json: Alertmanagers that Prometheus knows", "FettleNoAlertmanager", "prometheus_notifications_alertmanagers_discovered) < 1", 1},
		{"self.json: Prometheus", "FettlePrometheusUnreachable", "fettle_prometheus_reachable == 0", 1},
		{"repairs.json: Journal sound", "FettleJournalDamaged", "fettle_journal_sound == 0", 1},
		{"repairs.json: Room for it", "FettleJournalFull", "fettle_journal_room == 0", 1},
	} {
		p, ok := panels[tc.panel]
		if !ok {
			t.Errorf("there is no panel %s", tc.panel)
			continue
		}
		if !strings.Contains(exprs[tc.alert], tc.comparison) {
			t.Errorf("%s no longer has %q: bring %s in line", tc.alert, tc.comparison, tc.panel)
		}
		if !slices.Contains(p.steps(), tc.step) {
			t.Errorf("%s: thresholds %v, but %s compares with %v", tc.panel, p.steps(), tc.alert, tc.step)
		}
	}
}

// allRules are the rules of all files.
func allRules(t *testing.T) (all []rulefmt.Rule) {
	t.Helper()
	names, err := rules.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		groups, errs := rulefmt.Parse(content, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, group := range groups.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

// expressions returns each alert's expression.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, rule := range allRules(t) {
		all[rule.Alert] = rule.Expr
	}
	return all
}
