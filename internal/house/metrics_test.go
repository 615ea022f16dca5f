package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The list of metrics is generated from what is served, and tells of more than two
// hundred: to lose a system from it would be seen here.
func TestMetricsAreMany(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, found := range regexp.MustCompile("(?m)^\\| `(fettle_[a-z0-9_]+)` \\|").FindAllSubmatch(text, -1) {
		names[string(found[1])] = true
	}
	t.Logf("%d names", len(names))
	if len(names) <= 200 {
		t.Errorf("docs/metrics.md has %d names of metrics, more than 200 were there", len(names))
	}
}
