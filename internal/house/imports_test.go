package house_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const module = "github.com/fettle-io/fettle"

// rooms says what each room may import of ours: one line a room. What is not
// allowed here is not allowed; tests are free.
//
//	cmd → internal/app → {webhook, api, repair/action, repair/guard, exporter} → repair → {alert, cluster, journal} → internal/{durable, strictyaml}
var rooms = map[string][]string{ //nolint:gochecknoglobals // a table that is read only
	"cmd/fettle":          {"alert", "api", "cluster", "docs", "evidence", "internal/access", "internal/anchor", "internal/app", "internal/config", "internal/demo", "internal/discovery", "internal/door", "internal/inventory", "internal/manual", "internal/online", "internal/pages", "internal/replay", "internal/scaffold", "internal/service", "internal/story", "internal/strictyaml", "journal", "playbooks", "promql", "repair", "repair/action", "rules", "rules/lint", "webhook"},
	"cmd/fettle_exporter": {"cluster", "exporter", "exporter/backup", "exporter/chrony", "exporter/value", "exporter/ntpd", "internal/door", "internal/inventory", "internal/manual", "probe"},

	"internal/app": {
		"alert", "api", "cluster", "cluster/etcd", "console", "docs", "evidence", "escalate", "internal/access", "internal/anchor", "internal/alertmanager", "internal/config",
		"internal/connections", "internal/door", "internal/inventory", "internal/pages", "internal/service", "internal/story", "journal", "playbooks", "promql", "repair", "repair/action", "repair/guard", "webhook",
	},
	"internal/demo": {"cluster", "cluster/etcd", "internal/etcdproc", "internal/port", "internal/programs", "journal", "repair", "rules"},

	"api":             {"docs", "internal/access", "internal/pages", "journal"},
	"console":         {"api", "cluster", "docs", "internal/access", "internal/story", "journal", "promql"},
	"exporter":        {"cluster", "cluster/consul", "cluster/etcd", "cluster/gluster", "cluster/haproxy", "cluster/keepalived", "cluster/line", "cluster/mysql", "cluster/nats", "cluster/nginx", "cluster/pacemaker", "cluster/postgres", "cluster/zookeeper", "cluster/kafka", "cluster/mongodb", "cluster/redis", "exporter/backup", "exporter/chrony", "exporter/ntpd", "exporter/procfs", "exporter/tree", "exporter/value", "probe"},
	"exporter/chrony": {},
	"exporter/ntpd":   {},
	"exporter/procfs": {},
	"exporter/backup": {"exporter/value"},
	"exporter/tree":   {},
	"exporter/value":  {},
	"webhook":         {"alert", "internal/access"},
	"repair/action":   {"cluster", "cluster/etcd", "internal/service", "journal", "repair"},
	"repair/guard":    {"cluster", "repair"},

	"repair":            {"alert", "cluster", "internal/strictyaml", "journal"},
	"cluster/etcd":      {"cluster", "cluster/line"},
	"cluster/consul":    {"cluster", "cluster/line"},
	"cluster/haproxy":   {"cluster", "cluster/line"},
	"cluster/line":      {"cluster"},
	"cluster/postgres":  {"cluster", "cluster/line"},
	"probe":             {"cluster", "cluster/line"},
	"cluster/mysql":     {"cluster", "cluster/line"},
	"cluster/kafka":     {"cluster", "cluster/line"},
	"cluster/mongodb":   {"cluster", "cluster/line"},
	"cluster/redis":     {"cluster", "cluster/line"},
	"cluster/nginx":     {"cluster", "cluster/line"},
	"cluster/nats":      {"cluster", "cluster/line"},
	"cluster/zookeeper": {"cluster", "cluster/line"},
	"journal":           {"internal/durable"},
	"journal/verify":    {},
	"alert":             {},
	"cluster":           {},
	"promql":            {},
	"evidence":          {"internal/durable"},
	"escalate":          {"internal/alertmanager", "repair"},

	"cluster/keepalived": {"cluster", "cluster/line"},
	"cluster/pacemaker":  {"cluster", "cluster/line"},
	"cluster/gluster":    {"cluster", "cluster/line"},

	"sim":          {"alert", "cluster", "internal/config", "internal/service", "journal", "playbooks", "promql", "repair", "repair/action", "repair/guard"},
	"sim/simulate": {"sim"},

	"playbooks":    {},
	"rules":        {},
	"rules/lint":   {},
	"rules/record": {"rules"},
	"dashboards":   {},
	"deploy":       {},
	"docs":         {},

	"internal/access":        {},
	"internal/alertmanager":  {"alert", "repair"},
	"internal/amtest":        {},
	"internal/anchor":        {"internal/durable"},
	"internal/certtest":      {},
	"internal/config":        {"cluster", "internal/inventory", "internal/strictyaml", "promql", "repair"},
	"internal/consoletest":   {},
	"internal/consultest":    {"internal/programs", "internal/servertest"},
	"internal/natstest":      {"internal/port", "internal/servertest"},
	"internal/zookeepertest": {"internal/port", "internal/servertest"},
	"internal/servertest":    {"cluster", "internal/port"},
	"internal/connections":   {},
	"internal/cve":           {},
	"internal/doctest":       {},
	"internal/door":          {"internal/strictyaml"},
	"internal/discovery":     {"cluster", "cluster/etcd", "promql"},
	"internal/durable":       {},
	"internal/etcdproc":      {"cluster", "cluster/etcd", "internal/port"},
	"internal/faults":        {},
	"internal/house":         {},
	"internal/hungmount":     {},
	"internal/installtest":   {},
	"internal/inventory":     {"cluster", "internal/strictyaml", "probe"},
	"internal/looptest":      {},
	"internal/manual":        {},
	"internal/pages":         {"internal/strictyaml"},
	"internal/online":        {"api", "cluster", "cluster/etcd", "exporter", "internal/alertmanager", "internal/config", "internal/service", "promql", "repair", "rules"},
	"internal/exporterbench": {"internal/hungmount", "internal/port"},
	"internal/openapi":       {"api", "internal/access", "internal/schema", "webhook"},
	"internal/postgrestest":  {"cluster", "internal/port", "internal/servertest"},
	"internal/port":          {},
	"internal/programs":      {},
	"internal/mysqltest":     {"internal/port", "internal/servertest"},
	"internal/netnstest":     {"internal/servertest"},
	"internal/kafkatest":     {"cluster"},
	"internal/mongodbtest":   {"cluster"},
	"internal/redistest":     {"cluster", "internal/servertest"},
	"internal/rafttest":      {},
	"internal/replay":        {"alert", "cluster", "journal", "repair"},
	"internal/scaffold":      {"cluster", "internal/discovery", "internal/durable", "rules"},
	"internal/schema":        {"internal/config", "internal/inventory", "probe", "repair"},
	"internal/scorecard":     {},
	"internal/service":       {"cluster"},
	"internal/story":         {"journal", "repair"},
	"internal/strictyaml":    {},
	"internal/systemdtest":   {},
	"internal/systemsbench":  {},
	"tools/dist":             {},
	"tools/programs":         {"internal/programs"},

	"internal/rulesbench":             {"rules", "rules/lint"},
	"internal/webhookbench":           {"internal/durable", "internal/port", "internal/scorecard", "journal", "repair", "webhook"},
	"internal/webhookbench/fakefleet": {"cluster", "internal/app", "journal", "repair"},
}

// never says what a program, or a room, must not link, however far down.
var never = map[string][]string{ //nolint:gochecknoglobals // a table that is read only
	"cmd/fettle_exporter": {"repair", "repair/action", "repair/guard", "webhook", "api", "journal", "internal/app"},
	"webhook":             {"repair"},
	"console":             {"repair/action", "repair/guard"},
	"exporter":            {"repair", "journal"},
	"repair":              {"repair/action", "repair/guard"},
}

type pkg struct {
	ImportPath, Name string
	Imports, Deps    []string
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Imports,Deps", "./...")
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 20 {
		t.Fatalf("only %d packages listed", len(all))
	}
	return all
}

func room(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

// ours are the rooms among import paths.
func ours(paths []string) []string {
	var out []string
	for _, p := range paths {
		if strings.HasPrefix(p, module+"/") {
			out = append(out, room(p))
		}
	}
	return out
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range packages(t) {
		name := room(p.ImportPath)
		allowed, ok := rooms[name]
		if !ok {
			t.Errorf("%s is a room that the table does not know: add its line", name)
			continue
		}
		for _, imp := range ours(p.Imports) {
			if !slices.Contains(allowed, imp) {
				t.Errorf("%s imports %s: imports go one way (DESIGN.md section 2); if this one is right, add it to the room's line", name, imp)
			}
		}
		for _, not := range never[name] {
			if slices.Contains(ours(p.Deps), not) {
				t.Errorf("%s links %s, and must not", name, not)
			}
		}
	}
}

// The table itself has no way round.
func TestRoomsHaveNoCircle(t *testing.T) {
	state := map[string]int{} // 1: being walked, 2: done
	var walk func(name string)
	walk = func(name string) {
		switch state[name] {
		case 1:
			t.Errorf("the table lets %s import itself, over others", name)
			return
		case 2:
			return
		}
		state[name] = 1
		for _, to := range rooms[name] {
			walk(to)
		}
		state[name] = 2
	}
	for name := range rooms {
		walk(name)
	}
}

func TestRoomsAreNamedAfterWhatTheyHold(t *testing.T) {
	for _, p := range packages(t) {
		for _, bad := range []string{"util", "utils", "common", "helper", "helpers", "manager", "types", "misc", "task", "job"} {
			if p.Name == bad || path.Base(p.ImportPath) == bad {
				t.Errorf("package %s: %q says nothing about what it holds", p.ImportPath, bad)
			}
		}
	}
}

func TestDirectDependencies(t *testing.T) {
	file := filepath.Join(root(t), "go.mod")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse(file, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Mod.Path)
		}
	}
	if len(direct) == 0 || len(direct) > 30 {
		t.Errorf("%d direct dependencies, 30 is the most: %s", len(direct), strings.Join(direct, " "))
	}
}
