package exporter

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// platformsOf are the systems on which a collector tells a metric.
func platformsOf(t *testing.T, e Entry, m *Metric) []string {
	t.Helper()
	var all []string
	for _, goos := range e.Platforms() {
		told := goos == "linux"
		if !told {
			split, err := tellsElsewhere(e.New(Host{}), goos, func(other *Metric, _ float64, _ ...string) {
				told = told || other.Name == m.Name
			})
			if err != nil {
				t.Fatalf("%s on %s: %v", e.Name, goos, err)
			}
			told = told || !split
		}
		if told {
			all = append(all, goos)
		}
	}
	return all
}

// tellsElsewhere is portably, and the other collectors that tell less elsewhere.
func tellsElsewhere(c Collector, goos string, emit Emit) (bool, error) {
	if c, ok := c.(*timeCollector); ok {
		// The daemons are asked everywhere, the kernel and its clocks on Linux only.
		for _, m := range []*Metric{c.synchronised, c.up, c.follows, c.offset, c.maxError, c.stratum, c.leap, c.compared, c.sources, c.reachable} {
			emit(m, 1)
		}
		return true, nil
	}
	if c, ok := c.(*unitCollector); ok {
		// Windows' service manager knows neither restarts, starts, memory nor timers.
		for _, m := range []*Metric{c.manager, c.leftOut, c.memberReachable, c.memberRunning, c.state, c.substate, c.startType} {
			emit(m, 1)
		}
		return true, nil
	}
	return portably(c, goos, emit)
}

func TestPlatformsOfTheCollectors(t *testing.T) {
	for _, e := range Collectors() {
		platforms := e.Platforms()
		if !slices.IsSorted(platforms) || !slices.Contains(platforms, "linux") {
			t.Errorf("%s: %v", e.Name, platforms)
		}
		for _, goos := range platforms {
			if goos != "linux" && !slices.Contains(elsewhere(), goos) {
				t.Errorf("%s: the exporter is not built for %s", e.Name, goos)
			}
		}
	}
}

// The table says that a platform has a collector only where gopsutil, built as the
// release is, has more than a refusal.
func TestPlatformsAreThoseThatGopsutilReads(t *testing.T) {
	for name, asked := range map[string]struct{ dir, function string }{
		"cpu":        {"cpu", "TimesWithContext"},
		"memory":     {"mem", "VirtualMemoryWithContext"},
		"load":       {"load", "AvgWithContext"},
		"disk":       {"disk", "IOCountersWithContext"},
		"filesystem": {"disk", "PartitionsWithContext"},
		"network":    {"net", "IOCountersWithContext"},
		"boot":       {"host", "BootTimeWithContext"},
	} {
		out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/shirou/gopsutil/v3/"+asked.dir).Output()
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(Collectors(), func(e Entry) bool { return e.Name == name })
		for _, goos := range elsewhere() {
			if name == "load" && goos == "windows" {
				continue // gopsutil makes one up, from the time that it is first asked on
			}
			has := implements(t, strings.TrimSpace(string(out)), goos, asked.function)
			if told := Collectors()[i].reads(goos); told != has {
				t.Errorf("%s on %s: the table says %v, gopsutil %v", name, goos, told, has)
			}
		}
	}
}

// implements tells that neither a function of the package in dir, built for goos
// without cgo, nor one that it calls there does nothing but refuse.
func implements(t *testing.T, dir, goos, function string) bool {
	t.Helper()
	target := build.Default
	target.GOOS, target.GOARCH, target.CgoEnabled = goos, "amd64", false
	pkg, err := target.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]*ast.FuncDecl{}
	for _, name := range pkg.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				functions[f.Name.Name] = f
			}
		}
	}
	seen := map[string]bool{}
	var reach func(name string) bool
	reach = func(name string) bool {
		f := functions[name]
		if f == nil || seen[name] {
			return true
		}
		seen[name] = true
		if len(f.Body.List) == 1 && mentions(f.Body.List[0], "ErrNotImplementedError") {
			return false
		}
		works := true
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if called, ok := call.Fun.(*ast.Ident); ok {
					works = works && reach(called.Name)
				}
			}
			return works
		})
		return works
	}
	if functions[function] == nil {
		t.Fatalf("%s: no %s for %s", dir, function, goos)
	}
	return reach(function)
}

func mentions(n ast.Node, name string) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}
