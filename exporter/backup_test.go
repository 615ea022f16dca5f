package exporter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/exporter/backup"
)

func TestBackup(t *testing.T) {
	h := fixedHost(t)
	log := logged(&h)
	const hour = time.Hour
	dir := filepath.Join(h.Root, "var/backups")
	now := time.Now().Truncate(time.Second)
	aged := func(name, text string, age time.Duration) {
		path := here(t, filepath.Join(dir, name), text, 0o644, 0)
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	aged("db-1.gz", "xxxx", 48*hour)
	aged("db-2.gz", "x", 24*hour)
	aged("db-3.gz", "", hour)
	aged("verified", "", 10*hour)
	source := backup.Source{Dir: "/var/backups", Files: "db-*.gz", Verified: "/var/backups/verified"}
	h.Declared.Backups = []Backup{
		{Name: "db", Cluster: "c", Source: source, Every: 24 * hour, Keep: 2, Retain: 48 * hour},
		{Name: "kept", Source: source, Keep: 3},
		{Name: "long", Source: source, Retain: 49 * hour},
		{Name: "none", Source: backup.Source{Dir: "/none", Files: "*"}, Keep: 1, Every: hour},
		{Name: "never", Source: backup.Source{Dir: "/var/backups", Files: "x*"}, Keep: 1},
	}
	c := patient(newBackup(h)).(*backupCollector)
	c.now = func() time.Time { return now }
	at := func(age time.Duration) float64 { return float64(now.Add(-age).Unix()) }
	got := gathered(t, c)
	of := func(name, cluster string) string { return `{backup="` + name + `",cluster="` + cluster + `"}` }
	for series, want := range map[string]float64{
		"present" + of("db", "c"): 1, "read" + of("db", "c"): 1, "retention_ok" + of("db", "c"): 1, "interval_seconds" + of("db", "c"): 86400,
		"last_success_timestamp_seconds" + of("db", "c"): at(24 * hour), "oldest_timestamp_seconds" + of("db", "c"): at(48 * hour),
		"last_verified_timestamp_seconds" + of("db", "c"): at(10 * hour), "size_bytes" + of("db", "c"): 1, "previous_size_bytes" + of("db", "c"): 4,
		"copies" + of("db", "c"): 2, "copies_empty" + of("db", "c"): 1,
		"retention_ok" + of("kept", ""): 0, "retention_ok" + of("long", ""): 0,
		"present" + of("none", ""): 0, "read" + of("none", ""): 0, "retention_ok" + of("none", ""): 0, "interval_seconds" + of("none", ""): 3600,
		`unread{backup="none",cluster="",reason="absent"}`: 1,
		"present" + of("never", ""):                        0, "read" + of("never", ""): 1, "copies" + of("never", ""): 0, "retention_ok" + of("never", ""): 0,
	} {
		if value, there := got["fettle_backup_"+series]; !there || value != want {
			t.Errorf("%s is %v (there: %v), want %v", series, value, there, want)
		}
	}
	for series := range got {
		if strings.Contains(series, `"none"`) && (strings.Contains(series, "timestamp") || strings.Contains(series, "size") || strings.Contains(series, "copies")) ||
			strings.Contains(series, `"never"`) && strings.Contains(series, "success") {
			t.Errorf("%s is told, and cannot be known", series)
		}
	}
	gathered(t, c)
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "backup=none") {
		t.Errorf("%d lines: %s", n, log)
	}
}
