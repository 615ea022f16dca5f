package programs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// spec says how one program is named, which versions are supported, and how it
// is built.
type spec struct {
	name     string
	variable string   // environment variable that names another
	commands []string // what it is called on PATH
	debian   string   // Debian's package
	oldest   string   // oldest supported version

	dir         string // its folder under tools/
	module      string // the module whose version is the program's
	pkg         string // the main package
	tags        string // build tags
	page        string // in dir, stands in for web pages that the module lacks
	pageIn      string // in the module, the folder that wants the page
	stamp       string // variable that --version prints
	compactForm bool   // the module's v0.315.0 means 3.15.0
	pinnedOnly  bool   // Debian has none: the pinned one also where those on PATH are wanted
}

func specs() []spec {
	const (
		promModule = "github.com/prometheus/prometheus"
		promStamp  = "github.com/prometheus/common/version.Version"
		// Leaves out the clouds' service discoveries: half the size and the time.
		promTags = "remove_all_sd"
	)
	return []spec{
		{
			name: "etcd", variable: "FETTLE_ETCD", commands: []string{"etcd"},
			debian: "etcd-server", oldest: "3.4.23",
			dir: "etcd", module: "go.etcd.io/etcd/server/v3", pkg: "go.etcd.io/etcd/server/v3",
		},
		{
			name: "prometheus", variable: "FETTLE_PROMETHEUS", commands: []string{"prometheus"},
			debian: "prometheus", oldest: "2.42.0",
			dir: "prometheus", module: promModule, pkg: promModule + "/cmd/prometheus",
			tags: promTags, stamp: promStamp, compactForm: true,
		},
		{
			name: "promtool", variable: "FETTLE_PROMTOOL", commands: []string{"promtool"},
			debian: "prometheus", oldest: "2.42.0",
			dir: "prometheus", module: promModule, pkg: promModule + "/cmd/promtool",
			tags: promTags, stamp: promStamp, compactForm: true,
		},
		{
			name: "alertmanager", variable: "FETTLE_ALERTMANAGER",
			commands: []string{"alertmanager", "prometheus-alertmanager"},
			debian:   "prometheus-alertmanager", oldest: "0.25.0",
			dir: "alertmanager", module: "github.com/prometheus/alertmanager",
			pkg: "github.com/prometheus/alertmanager/cmd/alertmanager", stamp: promStamp,
			// Since 0.32 the module lacks its built web pages and does not compile
			// without any.
			page: "ui/index.html", pageIn: "ui/app/dist",
		},
		{
			name: "consul", variable: "FETTLE_CONSUL", commands: []string{"consul"},
			oldest: "1.12.0", pinnedOnly: true,
			dir: "consul", module: "github.com/hashicorp/consul", pkg: "github.com/hashicorp/consul",
		},
	}
}

func specOf(name string) (spec, bool) {
	for _, s := range specs() {
		if s.name == name {
			return s, true
		}
	}
	return spec{}, false
}

// pinnedVersion reads the program's version out of its go.mod under root.
func (s spec) pinnedVersion(root string) (string, error) {
	path := filepath.Join(root, "tools", s.dir, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	f, err := modfile.Parse(path, data, nil)
	if err != nil {
		return "", err
	}
	for _, r := range f.Require {
		if r.Mod.Path != s.module {
			continue
		}
		version := strings.TrimPrefix(r.Mod.Version, "v")
		if s.compactForm {
			return releaseVersion(version)
		}
		return version, nil
	}
	return "", fmt.Errorf("%s does not require %s", path, s.module)
}

// releaseVersion turns the version of Prometheus' Go module into the one that
// the release has: 0.315.0 is 3.15.0, 0.301.2 is 3.1.2.
func releaseVersion(module string) (string, error) {
	var number, patch int
	if n, err := fmt.Sscanf(module, "0.%d.%d", &number, &patch); n != 2 || err != nil || number < 100 {
		return "", fmt.Errorf("prometheus' module has version %q: want 0.NNN.N", module)
	}
	return fmt.Sprintf("%d.%d.%d", number/100, number%100, patch), nil
}

// findRoot returns the source tree of fettle that start lies in.
func findRoot(start string) (string, bool) {
	for dir := start; ; dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && modfile.ModulePath(data) == "github.com/fettle-io/fettle" {
			return dir, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// root returns the source tree to build from, or an error that says where it
// was looked for.
func (o Options) root() (string, error) {
	if o.Root != "" {
		return filepath.Abs(o.Root)
	}
	var looked []string
	if exe, err := os.Executable(); err == nil {
		if exe, err = filepath.EvalSymlinks(exe); err == nil {
			looked = append(looked, filepath.Dir(exe))
		}
	}
	if dir, err := os.Getwd(); err == nil {
		looked = append(looked, dir)
	}
	for _, start := range looked {
		if root, ok := findRoot(start); ok {
			return root, nil
		}
	}
	return "", fmt.Errorf("fettle's source tree is not here (looked above %s)", strings.Join(looked, " and "))
}
