package scaffold_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/discovery"
	"github.com/fettle-io/fettle/internal/scaffold"
)

// hostile is what somebody who answers may say, to get a line of his own into a file.
const hostile = "x\n    evil: true # \"}] \u2028\u0085{{.Dir}} %s"

func inputs(dir string) scaffold.Inputs {
	return scaffold.Inputs{
		Dir: dir, From: hostile, Today: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		Prometheus: "https://prometheus:9090", PrometheusTLS: cluster.TLS{CAFile: "/etc/ca.pem"}, PrometheusKey: "/etc/token",
		Interval: 5 * time.Second, Alertmanagers: []string{"http://a:9093", "http://b:9093"},
		Jobs: []discovery.Job{{Name: hostile, Targets: 3, Up: 2, Is: "etcd"}},
		Clusters: []discovery.Cluster{{
			ID: hostile,
			Cluster: cluster.Cluster{
				Name: "main", Kind: cluster.KindEtcd, TLS: cluster.TLS{CAFile: "/etc/etcd/ca.pem", CertFile: "/etc/etcd/c.pem", KeyFile: "/etc/etcd/k.pem", ServerName: "etcd"},
				Read: cluster.Login{Username: "looker", PasswordFile: "/etc/etcd/password"},
				Members: []cluster.Member{
					{Name: "m1", Endpoint: "https://10.0.0.1:2379", Peer: "https://10.0.0.1:2380", MemberID: "1f", Host: "here", Unit: "etcd.service", DataDir: "/var/lib/etcd"},
					{Name: "m2", Endpoint: "https://10.0.0.2:2379", Peer: "https://10.0.0.2:2380", MemberID: "2f"},
				},
			},
			Seen: []discovery.Seen{{Version: hostile, Local: true}, {Learner: true, Notes: []string{hostile}}},
		}},
	}
}

// Whatever was found, the files are what they are for: fettle takes its own, YAML the
// others, and nothing of what a stranger said is more than a text.
func TestFiles(t *testing.T) {
	for name, in := range map[string]scaffold.Inputs{
		"on its own": inputs("/home/me/fettle"), "installed": inputs("/etc/fettle"), "a long path": inputs("/" + strings.Repeat("long/", 30)),
	} {
		t.Run(name, func(t *testing.T) {
			in.Installed = name == "installed"
			files, err := scaffold.Files(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			tokens := map[string]bool{}
			for _, f := range files {
				if f.Secret {
					tokens[string(f.Content)] = len(f.Content) == 65
					continue
				}
				var doc map[string]any
				if err := yaml.Unmarshal(f.Content, &doc); err != nil || bytes.Contains(f.Content, []byte("\n    evil")) {
					t.Errorf("%s: %v\n%s", f.Name, err, f.Content)
				}
				if f.Name != "fettle.yml" {
					continue
				}
				c, err := config.Parse("fettle.yml", f.Content)
				if err != nil {
					t.Fatalf("%v\n%s", err, f.Content)
				}
				if len(c.Clusters) != 1 || len(c.Clusters[0].Members) != 2 || c.Autonomy.Default != "observe" || len(c.Web.Roles) != 4 || c.Prometheus.ScrapeInterval != 5*time.Second || len(c.Alertmanager.URLs) != 2 {
					t.Errorf("%+v", c)
				}
				if m := c.Clusters[0].Members[0]; m.Unit != "etcd.service" || m.DataDir != "/var/lib/etcd" || m.Host != "here" || m.MemberID != "1f" {
					t.Errorf("%+v", m)
				}
			}
			if len(tokens) != len(scaffold.Roles()) {
				t.Errorf("%d tokens", len(tokens))
			}
		})
	}
	if _, err := scaffold.Files(inputs("/x"), strings.NewReader("too little")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without randomness: %v", err)
	}
}

// What cannot be written is told, and what was there stays.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	files := []scaffold.File{{Name: "a.yml", Content: []byte("a\n")}, {Name: "sub/b.token", Content: []byte("b\n"), Secret: true}}
	if _, err := scaffold.Write(dir, files, nil, false); err != nil {
		t.Fatal(err)
	}
	files[0].Content, files[1].Content = []byte("other\n"), []byte("other\n")
	_, err := scaffold.Write(dir, files, nil, false)
	if !errors.Is(err, scaffold.ErrExists) || !strings.Contains(err.Error(), filepath.Join(dir, "a.yml")) {
		t.Errorf("over what is there: %v", err)
	}
	if _, err := scaffold.Write(dir, files, nil, true); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a.yml": "other\n", "sub/b.token": "b\n"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "sub/b.token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := scaffold.Write(filepath.Join(dir, "a.yml"), files, nil, true); err == nil {
		t.Error("below a file, and it was written")
	}
}
