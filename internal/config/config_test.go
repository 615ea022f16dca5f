package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// parse reads a file of testdata, whose name alone stands in messages.
func parse(t *testing.T, name string) (Config, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return Parse(name, data)
}

func TestGood(t *testing.T) {
	c, err := parse(t, "good.yml")
	if err != nil {
		t.Fatal(err)
	}
	got := c
	got.Clusters, got.Tiers, got.Overrides, got.Digest, got.doc, got.base = nil, nil, Overrides{}, "", nil, nil
	got.windows, got.limits = nil, nil // guards_test.go has these
	want := Config{
		Hosts:     []string{"db1", "db1.example.com"},
		Playbooks: Playbooks{Dir: "/etc/fettle/playbooks", Disable: []string{"service-restart"}},
		Autonomy: Autonomy{
			Default: repair.Observe, Tiers: map[repair.Tier]repair.Autonomy{repair.P0: repair.Approve},
			Clusters:  map[string]repair.Autonomy{"demo": repair.Auto},
			Playbooks: map[string]map[string]repair.Autonomy{"demo": {"service-restart": repair.Observe}},
		},
		Guards: Guards{
			Version: VersionGuard{map[cluster.Kind][]string{cluster.KindEtcd: {"3.5.0-3.5.2", "3.4.1"}}},
			Window: []Window{
				{Clusters: []string{"demo"}, Days: []string{"mon-fri"}, From: "22:00", To: "06:00", Timezone: "Europe/Berlin"},
				{Tiers: []repair.Tier{repair.P2}, Playbooks: []string{"etcd-member-restart"}, Days: []string{"sat", "sun"}, From: "00:00", To: "24:00", Timezone: "UTC", Starts: true},
			},
			BlastRadius: BlastRadius{
				Clusters: map[string]string{"demo": "50%"},
				Groups:   []Group{{Name: "rack-1", Members: []string{"demo/m1", "demo/m2"}, AtMost: "1"}},
			},
		},
		Alertmanager: Alertmanager{
			URLs: []string{"http://127.0.0.1:9093", "https://am.example/prefix"}, TokenFile: "/etc/fettle/am.token",
			TLS: cluster.TLS{CAFile: "/etc/fettle/ca.pem"},
		},
		Prometheus: Prometheus{
			URL: "http://127.0.0.1:9090", ScrapeInterval: 5 * time.Second,
			BasicAuth: cluster.Login{Username: "fettle", PasswordFile: "/etc/fettle/prometheus.password"},
		},
		Journal: Journal{
			Dir: "/var/lib/fettle/journal", KeyFile: "/etc/fettle/journal.key", ID: "0199f7a2-5a3c-7d10-8f00-0123456789ab",
			Blobs: "/var/lib/fettle/evidence", Archive: Archive{Dir: "/srv/archive/journal", Keep: 4},
			Anchors: []Anchor{
				{File: "/srv/anchors/checkpoints.jsonl"}, {URL: "https://anchors.example/db1", TokenFile: "/etc/fettle/anchor.token"},
				{Syslog: "local"}, {Syslog: "udp://[2001:db8::1]:514"},
			},
			AnchorEvery: 30 * time.Second, SegmentSize: 64 << 20, Reserve: 64 << 20,
		},
		Web: Web{
			Listen: ":9774", Socket: "/run/fettle/fettle.sock", ExternalURL: "https://fettle.example/", ConfigFile: "/etc/fettle/web.yml",
			Roles: []Role{
				{Role: "webhook", Name: "alertmanager", TokenFile: "/etc/fettle/webhook.token"},
				{Role: "operator", User: "alice"},
				{Role: "viewer", CertificateName: "console.example"},
			},
			MaxBody: 64 << 20, MaxConnections: 100,
		},
		Brake: "/run/fettle/pause",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	var order []string
	for _, cl := range c.Clusters {
		for _, m := range cl.Members {
			order = append(order, cl.Name+"/"+m.Name+"@"+m.Host)
		}
	}
	if got, want := strings.Join(order, " "), "demo/m1@db1 demo/m2@10.0.0.2 web/w2@db1 web/w1@10.0.0.9"; got != want {
		t.Errorf("inventory %s, want %s", got, want)
	}
	if len(c.Digest) != 64 {
		t.Errorf("digest %q", c.Digest)
	}
}

// Without a file, or with one that says nothing, the same holds: observe, and
// nobody from outside.
func TestDefault(t *testing.T) {
	d := Default()
	if d.Autonomy.above() != nil || d.Web.Listen != "127.0.0.1:9774" || len(d.Clusters) != 0 || d.Brake != "/run/fettle/pause" {
		t.Errorf("default %+v", d)
	}
	for _, in := range []string{"", "# nothing\n", "clusters:\nweb: # all commented out\n"} {
		c, err := Parse("f.yml", []byte(in))
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		c.doc, c.Digest = nil, ""
		if !reflect.DeepEqual(c, d) {
			t.Errorf("%q: got  %+v\nwant %+v", in, c, d)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fettle.yml")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("hosts: [a]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path); err != nil || c.Hosts[0] != "a" {
		t.Errorf("got %v, %v", c.Hosts, err)
	}
	if err := os.Chmod(path, 0o646); err != nil {
		t.Fatal(err)
	}
	want := path + " is writable by everybody (mode 0646), and it says what is run: chmod o-w " + path
	if _, err := Load(path); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLocal(t *testing.T) {
	c := Config{Hosts: []string{"DB1", "10.0.0.1"}}
	for host, want := range map[string]bool{
		"db1": true, "10.0.0.1": true, "127.0.0.1": true, "127.0.1.1": true, "::1": true, "localhost": true,
		"db2": false, "10.0.0.2": false, "": false, "db1.example.com": false,
	} {
		if got := c.Local(host); got != want {
			t.Errorf("Local(%q) = %v", host, got)
		}
	}
}

// Each testdata/invalid-*.yml breaks a rule, and this is what the reader is told.
func TestInvalid(t *testing.T) {
	want := invalid()
	files, err := filepath.Glob("testdata/invalid-*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "invalid-"), ".yml")
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, filepath.Base(file))
			var es strictyaml.Errors
			if !errors.As(err, &es) {
				t.Fatalf("got %v, want errors with their places", err)
			}
			if got := strings.ReplaceAll(es.Error(), filepath.Base(file)+":", ""); got != want[name] {
				t.Errorf("got\n%s\nwant\n%s", got, want[name])
			}
		})
		delete(want, name)
	}
	for name := range want {
		t.Errorf("testdata/invalid-%s.yml is missing", name)
	}
}
