package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair"
)

func actions() map[string]repair.ActionSpec {
	return map[string]repair.ActionSpec{
		"member-end-hung": {Name: "member-end-hung", Kind: cluster.KindEtcd},
		"member-start":    {Name: "member-start", Kind: cluster.KindEtcd},
		"service-restart": {Name: "service-restart", Kind: cluster.KindService},
	}
}

// in makes a configuration whose playbook directory has these files.
func in(t *testing.T, files map[string]string) Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := Default()
	c.Playbooks.Dir = dir
	return c
}

func loaded(t *testing.T, c Config) []*repair.Playbook {
	t.Helper()
	ps, err := c.LoadPlaybooks(playbooks.Files(), actions())
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func names(ps []*repair.Playbook) string {
	var all []string
	for _, p := range ps {
		all = append(all, p.Name)
	}
	return strings.Join(all, " ")
}

const restart = `name: service-restart
version: 1
on: ['alertname="Mine"']
target: {kind: service, cluster: web, member: w1}
tier: P2
autonomy: approve
steps: [{name: restart, action: service-restart}]
`

func TestLoadPlaybooks(t *testing.T) {
	c := in(t, map[string]string{
		"service-restart.yml": restart, "README": "not read", ".hidden.yml": "not read", "a.yml": strings.Replace(restart, "service-restart", "a", 1),
	})
	ps := loaded(t, c)
	if got, want := names(ps), "a etcd-member-restart service-restart"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if p := ps[2]; p.Tier != repair.P2 || !strings.HasPrefix(p.Source, c.Playbooks.Dir) {
		t.Errorf("the directory's file does not take the embedded one's place: %+v", p)
	}
	if p := ps[1]; p.Source != "embedded/etcd-member-restart.yml:3" {
		t.Errorf("source %s", p.Source)
	}
	c.Playbooks.Only = []string{"a", "service-restart"}
	c.Playbooks.Disable = []string{"a"}
	if got, want := names(loaded(t, c)), "service-restart"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := names(loaded(t, Default())), "etcd-member-restart service-restart"; got != want {
		t.Errorf("without a directory: got %s, want %s", got, want)
	}
}

func TestLoadPlaybooksRefuses(t *testing.T) {
	chmod := func(name string, mode os.FileMode) func(*testing.T, Config) {
		return func(t *testing.T, c Config) {
			if err := os.Chmod(filepath.Join(c.Playbooks.Dir, name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		files map[string]string
		then  func(*testing.T, Config)
		want  string // DIR is the directory
	}{
		"writable by the group": {
			map[string]string{"service-restart.yml": restart}, chmod("service-restart.yml", 0o664),
			"DIR/service-restart.yml is writable by others (mode 0664), and a playbook says what is run: chmod go-w DIR/service-restart.yml",
		},
		"writable by everybody": {
			map[string]string{"service-restart.yml": restart}, chmod("service-restart.yml", 0o666),
			"DIR/service-restart.yml is writable by others (mode 0666), and a playbook says what is run: chmod go-w DIR/service-restart.yml",
		},
		"a writable directory": {nil, chmod("", 0o777), "DIR is writable by others (mode 0777), and a playbook says what is run: chmod go-w DIR"},
		"yaml":                 {map[string]string{"a.yaml": ""}, nil, "DIR/a.yaml would be passed over: playbooks end in .yml, rename it"},
		"name":                 {map[string]string{"A b.yml": ""}, nil, "DIR/A b.yml: a playbook's file is named in lower-case letters, digits and dashes: rename it"},
		"wrong in two": {
			map[string]string{"a.yml": strings.Replace(restart, "name: service-restart", "name: b", 1), "service-restart.yml": strings.Replace(restart, "tier", "teir", 1)}, nil,
			"DIR/a.yml:1:7: name \"b\" is not the file's name: rename the file to b.yml, or write name: a\nDIR/service-restart.yml:5:1: unknown key \"teir\" at the top level; did you mean \"tier\"?",
		},
		"a link out of it": {nil, func(t *testing.T, c Config) {
			other := filepath.Join(t.TempDir(), "a.yml")
			if err := os.WriteFile(other, []byte(restart), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(other, filepath.Join(c.Playbooks.Dir, "a.yml")); err != nil {
				t.Fatal(err)
			}
		}, "playbook in DIR: openat a.yml: path escapes from parent"},
		"a directory": {nil, func(t *testing.T, c Config) {
			if err := os.Mkdir(filepath.Join(c.Playbooks.Dir, "a.yml"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "DIR/a.yml is no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			c := in(t, tc.files)
			if tc.then != nil {
				tc.then(t, c)
			}
			_, err := c.LoadPlaybooks(playbooks.Files(), actions())
			if err == nil {
				t.Fatal("was taken")
			}
			if got := strings.ReplaceAll(err.Error(), c.Playbooks.Dir, "DIR"); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
	c := Default()
	c.Playbooks.Dir = filepath.Join(t.TempDir(), "none")
	if _, err := c.LoadPlaybooks(playbooks.Files(), actions()); err == nil || !strings.HasPrefix(err.Error(), "playbooks.dir: ") {
		t.Errorf("a directory that was configured and is missing: %v", err)
	}
}

// A name that no playbook has does nothing, so it is a mistake.
func TestUnknownPlaybooks(t *testing.T) {
	c, err := Parse("f.yml", []byte(`
clusters: [{name: web, kind: service, members: [{name: w, host: h, unit: w.service}]}]
playbooks: {dir: /etc/fettle/playbooks, disable: [service-restrat]}
autonomy: {playbooks: {web: {etcd-restart: observe}}}
overrides: {playbooks: {zzz: {settle: 5s}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	c.Playbooks.Dir = "" // the embedded ones alone, whatever this machine has
	_, err = c.LoadPlaybooks(playbooks.Files(), actions())
	want := `f.yml:3:51: there is no playbook "service-restrat"; did you mean "service-restart"?
f.yml:4:44: there is no playbook "etcd-restart"; known here: etcd-member-restart, service-restart
f.yml:5:30: there is no playbook "zzz"; known here: etcd-member-restart, service-restart`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
