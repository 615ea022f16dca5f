package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/scaffold"
	"github.com/fettle-io/fettle/rules"
)

// WriteRules replaces its own files and the shipped ones, and no others: then it writes none.
func TestWriteRulesReplacesOnlyItsOwn(t *testing.T) {
	files, err := rules.Render(map[string]string{"pause_seconds": "60"})
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile("../../rules/raft.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, there, want string }{
		{"an empty folder", "", ""},
		{"the shipped file", string(shipped), ""},
		{"a file of somebody's", "groups: []\n", "was not written by"},
		{"a changed shipped file", string(shipped) + "#\n", "was not written by"},
		{"the first line alone", "# Written by `fettle rules --to`, and by it replaced: change thresholds, not this file.\n# sha256:", "was not written by"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			raft := filepath.Join(dir, "raft.rules.yml")
			if tc.there != "" {
				if err := os.WriteFile(raft, []byte(tc.there), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			paths, err := scaffold.WriteRules(dir, files)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) || len(paths) > 0 {
					t.Fatalf("got %v, %v, want %q", paths, err, tc.want)
				}
				if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
					t.Errorf("it wrote something: %v, %v", entries, err)
				}
				return
			}
			if err != nil || len(paths) != len(files) {
				t.Fatalf("%v, %v", paths, err)
			}
			if _, err := scaffold.WriteRules(dir, files); err != nil {
				t.Errorf("again: %v", err)
			}
			content, err := os.ReadFile(raft)
			if err != nil || !strings.HasSuffix(string(content), string(files["raft.rules.yml"])) {
				t.Fatalf("%v: not what was to be written", err)
			}
			if err := os.WriteFile(raft, append(content, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := scaffold.WriteRules(dir, files); err == nil || !strings.Contains(err.Error(), "was changed since") {
				t.Errorf("a changed file: %v", err)
			}
		})
	}
}

// A file that Prometheus would refuse is not written.
func TestWriteRulesRefusesWhatIsNoRuleFile(t *testing.T) {
	dir := t.TempDir()
	_, err := scaffold.WriteRules(dir, map[string][]byte{"raft.rules.yml": []byte("groups: [{name: x, rules: [{alert: A, expr: '1 >'}]}]")})
	if err == nil || !strings.Contains(err.Error(), "raft.rules.yml is no rule file") {
		t.Errorf("got %v", err)
	}
	link := filepath.Join(dir, "raft.rules.yml")
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	if _, err := scaffold.WriteRules(dir, map[string][]byte{"raft.rules.yml": []byte("groups: []")}); err == nil || !strings.Contains(err.Error(), "is no rule file of fettle's") {
		t.Errorf("a link: %v", err)
	}
}
