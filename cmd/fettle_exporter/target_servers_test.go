//go:build servers && linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/servertest"
)

// The sample of docs/how-to/probe.md, as it stands there but for the addresses: a real
// Prometheus takes it, and has each series of the cluster once.
func TestHowToProbe(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // may build
	defer cancel()
	found := map[string]string{}
	for _, name := range []string{"etcd", "prometheus", "promtool"} {
		p, err := programs.Find(ctx, name, programs.Options{Progress: func(line string) { t.Log(line) }})
		if err != nil {
			t.Fatal(err)
		}
		found[name] = p.Path
	}
	c, err := etcdproc.Start(ctx, found["etcd"], t.TempDir(), []string{"m1"}, etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	x := start(t, "--config.file="+configFile(t, fmt.Sprintf("clusters:\n- {name: main, kind: etcd, members: [{name: m1, endpoint: %q}]}\n", c.Specs()[0].Client)))

	page, err := os.ReadFile("../../docs/how-to/probe.md")
	if err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if sample == nil || !strings.Contains(string(sample[1]), "mon1:9773") {
		t.Fatal("the page has no sample, or is written otherwise than this test expects")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	write(t, config, "global: {scrape_interval: 1s}\n"+strings.ReplaceAll(string(sample[1]), "mon1:9773", strings.TrimPrefix(x.url, "http://")))
	if out, err := exec.CommandContext(ctx, found["promtool"], "check", "config", config).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	address := servertest.FreeAddress(t)
	prometheus := exec.CommandContext(ctx, found["prometheus"], "--config.file="+config, "--storage.tsdb.path="+dir, "--web.listen-address="+address)
	prometheus.Stderr = t.Output()
	if err := prometheus.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = prometheus.Process.Kill()
		_ = prometheus.Wait()
	})
	for query, want := range map[string]string{
		`up{job="fettle-clusters",instance="main"}`:                 "1",
		`up{job="fettle"}`:                                          "1",
		`fettle_raft_margin{cluster="main",instance="main"}`:        "0",
		`count(fettle_raft_margin)`:                                 "1",
		`count(fettle_member_reachable{member="m1"})`:               "1",
		`count(fettle_node_load1{job="fettle"})`:                    "1",
		`count({__name__=~"fettle_node_.+",job="fettle-clusters"})`: "",
	} {
		awaitQuery(t, "http://"+address, query, want)
	}
	x.stop(t)
}

// awaitQuery asks Prometheus until the one value is as wanted; "": there is none.
func awaitQuery(t *testing.T, prometheus, query, want string) {
	t.Helper()
	var got string
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		var answer struct {
			Data struct {
				Result []struct{ Value [2]any }
			}
		}
		resp, err := http.Get(prometheus + "/api/v1/query?query=" + url.QueryEscape(query)) //nolint:noctx // of a test
		if err == nil {
			err = json.NewDecoder(resp.Body).Decode(&answer)
			_ = resp.Body.Close()
		}
		got = ""
		for _, r := range answer.Data.Result {
			got += fmt.Sprint(r.Value[1])
		}
		if err == nil && got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is %q, want %q (%v)", query, got, want, err)
		}
	}
}
