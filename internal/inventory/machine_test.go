package inventory

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestThisMachine(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "Given.Example": true, strings.ToUpper(own): true,
		"": false, "other.example": false, "192.0.2.1": false, own + ".other.example": false,
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		cases[a.(*net.IPNet).IP.String()] = true
	}
	here := ThisMachine([]string{"given.example"})
	for host, want := range cases {
		if got := here.Is(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

// A name with another domain may be this machine or another: it is said, not guessed.
func TestMachineLike(t *testing.T) {
	here := Machine{names: []string{"localhost", "web1.example.com", "web1", "10.0.0.1"}}
	for host, want := range map[string]string{
		"web1": "", "WEB1.example.com": "", "web1.other.example": "web1.example.com", "Web1.": "web1.example.com",
		"web2": "", "web2.example.com": "", "10.0.0.2": "", "localhost.localdomain": "localhost", "": "",
	} {
		if got := here.Like(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

func TestNotRecognised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exporter.yml")
	const text = `clusters:
  - name: edge
    kind: keepalived
    members:
      - {name: lb1, host: lb1.example.com, endpoint: "unix:///run/dbus/system_bus_socket"}
      - {name: lb2, host: lb2.example.com, endpoint: "unix:///run/dbus/system_bus_socket"}
  - name: web
    kind: service
    members:
      - {name: w1, host: lb1.example.com, unit: nginx.service}
  - name: main
    kind: etcd
    members:
      - {name: m1, host: lb1.example.com, endpoint: "http://lb1.example.com:2379"}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := LoadExporter(path)
	if err != nil {
		t.Fatal(err)
	}
	found := e.NotRecognised(Machine{names: []string{"lb1"}})
	if len(found) != 2 || found[0].Line != 5 || found[1].Line != 10 || !strings.Contains(found[0].What, "--host.name=lb1.example.com") || !strings.Contains(found[0].What, "member lb1 of cluster edge") {
		t.Errorf("%+v", found)
	}
	e.Values = []Value{{Cluster: "main", Version: true}}
	if found := e.NotRecognised(Machine{names: []string{"lb1"}}); len(found) != 2 {
		t.Errorf("a version is asked from anywhere: %+v", found)
	}
	e.Values = append(e.Values, Value{Cluster: "main", Sysctl: "vm.swappiness"})
	if found := e.NotRecognised(Machine{names: []string{"lb1"}}); len(found) != 3 || found[2].Line != 14 {
		t.Errorf("%+v", found)
	}
	if found := e.NotRecognised(Machine{names: []string{"lb1", "lb1.example.com"}}); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	if found := (Exporter{Clusters: []cluster.Cluster{{Kind: cluster.KindPacemaker, Members: []cluster.Member{{Name: "n", Host: "lb1.x", Endpoint: "file:///a"}}}}}).NotRecognised(Machine{names: []string{"lb1"}}); len(found) != 1 {
		t.Errorf("%+v", found)
	}
}
