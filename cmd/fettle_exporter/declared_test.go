package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/inventory"
)

// Of one file that goes to all machines, each takes what is on it.
func TestDeclaredHere(t *testing.T) {
	conf := inventory.Exporter{
		Clusters: []cluster.Cluster{
			{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "one"}, {Name: "w2", Host: "two"}}},
			{Name: "far", Kind: cluster.KindService, Members: []cluster.Member{{Name: "f", Host: "three"}}},
			{Name: "versions", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "v", Host: "three"}}},
		},
		Values: []inventory.Value{
			{Name: "file", Cluster: "web", File: "/a", Same: true}, {Name: "version", Cluster: "web", Version: true, Same: true},
			{Name: "theirs", Cluster: "versions", Version: true}, {Name: "elsewhere", Cluster: "far", File: "/a", Same: true}, {Name: "equals", Cluster: "web", Sysctl: "vm.a", Equals: "1"},
		},
		Backups: []inventory.Backup{{Name: "everywhere", Dir: "/a"}, {Name: "here", Host: "one", Dir: "/a"}, {Name: "there", Host: "two", Dir: "/a"}},
		Trees:   []inventory.Tree{{Cluster: "web", Source: "w1"}, {Cluster: "far", Source: "f"}},
	}
	d, err := declared(conf, exporter.Host{}, func(host string) bool { return host == "one" })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range d.Values {
		what := v.Check
		for _, m := range v.Members {
			what += " " + m.Name
		}
		if v.Whole {
			what += " whole"
		}
		got = append(got, what)
	}
	for _, b := range d.Backups {
		got = append(got, b.Name)
	}
	if want := "file w1, version w1 w2 whole, theirs v whole, equals w1, everywhere, here"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	var here []string
	for _, b := range d.Bound {
		here = append(here, fmt.Sprint(b, " ", b.Here))
	}
	if text := strings.Join(here, ", "); text != "web/w1 true, web/w2 false, far/f false" {
		t.Errorf("bound to their machines: %s", text)
	}
	if d.Trees.Copies() != 1 || len(d.Clusters) != 3 || d.Values[3].Want.OneOf[0] != "1" {
		t.Errorf("%d copies, %+v", d.Trees.Copies(), d)
	}
}

func TestDigestKey(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"good":  {strings.Repeat("k", 16), 0o640, ""},
		"short": {strings.Repeat("k", 15), 0o640, "has fewer than 16 bytes"},
		"open":  {strings.Repeat("k", 16), 0o644, "can be read by everybody"},
		"long":  {strings.Repeat("k", maxDigestKey+1), 0o640, "are the most that is read"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(tc.text), tc.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tc.mode); err != nil {
			t.Fatal(err)
		}
		key, err := digestKey(path)
		if tc.want == "" && (err != nil || string(key) != tc.text) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "kkk")) {
			t.Errorf("%s: %q, %v", name, key, err)
		}
	}
	if _, err := digestKey(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("none: %v", err)
	}
}

// A socket or a file is asked on its own machine: at the same path here is another's.
func TestAskedHere(t *testing.T) {
	c := cluster.Cluster{Name: "edge", Members: []cluster.Member{
		{Name: "here", Host: "one", Endpoint: "unix:///run/bus"}, {Name: "there", Host: "two", Endpoint: "unix:///run/bus"},
		{Name: "file", Host: "two", Endpoint: "file:///run/a"}, {Name: "unsaid", Endpoint: "unix:///run/b"}, {Name: "port", Host: "two", Endpoint: "tcp://two:1"},
	}}
	var got []string
	for _, m := range askedHere(c, func(host string) bool { return host == "one" }).Members {
		got = append(got, m.Name)
	}
	if want := "here unsaid port"; strings.Join(got, " ") != want || len(c.Members) != 5 {
		t.Errorf("got %v, want %s", got, want)
	}
}
