package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

func TestLoadWith(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fettle.yml")
	text := `clusters: [{name: main, kind: service, members: [{name: a, host: h, unit: a.service}]}]
autonomy: {default: observe, clusters: {main: approve}}
overrides: {all: {cooldown: 20m, settle: 30s}}
web: {roles: [{role: operator, certificate_name: me}]}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadWith(path, false, [][2]string{{"autonomy", "auto"}, {"cooldown", "5m"}, {"overrides.clusters.main.attempts", "7"}})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Settings(repair.P1, "main", "service-restart")
	if s.Cooldown != 5*time.Minute || s.Settle != 30*time.Second || s.Attempts != 7 {
		t.Errorf("settings %+v", s)
	}
	if got := c.Autonomy.For("service-restart", "main", repair.P1); got != repair.Auto {
		t.Errorf("autonomy %s: what was more specific holds on", got)
	}
	if c, err = LoadWith(path, false, nil); err != nil || c.Settings(repair.P1, "main", "").Cooldown != 20*time.Minute {
		t.Errorf("as it is: %v", err)
	}
	if c, err = LoadWith(path, false, [][2]string{{"autonomy.clusters.main", "auto"}}); err != nil || c.Autonomy.For("p", "main", repair.P1) != repair.Auto || c.Autonomy.For("p", "x", repair.P1) != repair.Observe {
		t.Errorf("one cluster: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "none.yml")
	if c, err = LoadWith(missing, true, [][2]string{{"autonomy", "auto"}}); err != nil || c.Autonomy.Default != repair.Auto {
		t.Errorf("without a file: %v", err)
	}
	for setting, want := range map[[2]string]string{
		{"nonsense", "1"}:               "nonsense is no setting that can be set so",
		{"cooldown", "soon"}:            "cooldown",
		{"autonomy", "much"}:            `unknown autonomy "much"`,
		{"overrides.all.cooldwn", "5m"}: `did you mean "cooldown"?`,
	} {
		if _, err := LoadWith(path, false, [][2]string{setting}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", setting, err)
		}
	}
	if _, err := LoadWith(missing, false, nil); err == nil {
		t.Error("a file that has to be there is not, and nobody says so")
	}
}
