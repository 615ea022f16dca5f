//go:build servers && linux

package exporter

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// rounds is how often a value that others change is read until what was read before
// and after it encloses it.
const rounds = 100

// ran is what a program prints.
func ran(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return string(out)
}

// overHTTP is what a Prometheus reads over HTTP from an exporter of these collectors.
func overHTTP(t *testing.T, names ...string) func() map[string]float64 {
	t.Helper()
	o := Options{Collectors: map[string]bool{}}
	for _, e := range Collectors() {
		o.Collectors[e.Name] = false
	}
	for _, name := range names {
		o.Collectors[name] = true
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return func() map[string]float64 {
		t.Helper()
		answer, err := server.Client().Get(server.URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		parser := expfmt.NewTextParser(model.UTF8Validation)
		parsed, err := parser.TextToMetricFamilies(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		var families []*dto.MetricFamily
		for _, f := range parsed {
			families = append(families, f)
		}
		return valuesOf(families)
	}
}

// enclosed reads by hand, over HTTP and by hand again, until each value lies between
// the two readings of it; what it never does is an error.
func enclosed(t *testing.T, scrape, byHand func() map[string]float64) (got map[string]float64) {
	t.Helper()
	open := map[string]string{}
	for name := range byHand() {
		open[name] = ""
	}
	if len(open) == 0 {
		t.Fatal("nothing was read by hand")
	}
	for range rounds {
		before := byHand()
		got = scrape()
		after := byHand()
		for name := range open {
			b, ok := before[name]
			a, still := after[name]
			if !ok || !still { // it is gone
				delete(open, name)
				continue
			}
			switch v, ok := got[name]; {
			case !ok:
				open[name] = "no such series"
			case v < min(a, b) || v > max(a, b):
				open[name] = fmt.Sprintf("%v, by hand %v before and %v after", v, b, a)
			default:
				delete(open, name)
			}
		}
		if len(open) == 0 {
			return got
		}
	}
	for name, what := range open {
		t.Errorf("%s: %s", name, what)
	}
	return got
}

func TestReadingsOfDf(t *testing.T) {
	scrape := overHTTP(t, "filesystem")
	told := map[string]string{} // the labels, by mount point
	for name := range scrape() {
		if labels, ok := strings.CutPrefix(name, "fettle_node_filesystem_size_bytes"); ok {
			_, rest, _ := strings.Cut(labels, `mountpoint="`)
			told[strings.TrimSuffix(rest, `"}`)] = labels
		}
	}
	byHand := func() map[string]float64 {
		all := map[string]float64{}
		text := ran(t, "df", "-a", "-B1", "--output=size,avail,itotal,iavail,target")
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			labels, ok := told[f[len(f)-1]]
			if !ok || len(f) != 5 || f[0] == "-" {
				continue
			}
			for i, name := range []string{"size_bytes", "avail_bytes", "files", "files_free"} {
				if v := number(t, f[i]); v > 0 || i < 2 { // one that counts no files has none
					all["fettle_node_filesystem_"+name+labels] = v
				}
			}
		}
		return all
	}
	got := enclosed(t, scrape, byHand)
	if _, ok := got["fettle_node_filesystem_avail_bytes"+told["/"]]; !ok {
		t.Error("the root is missing")
	}
}

func TestReadingsOfFree(t *testing.T) {
	enclosed(t, overHTTP(t, "memory"), func() map[string]float64 {
		all := map[string]float64{}
		text := strings.Split(ran(t, "free", "-b", "-w"), "\n")
		mem, swap := strings.Fields(text[1]), strings.Fields(text[2])
		for column, name := range map[int]string{1: "total", 3: "free", 4: "shared", 5: "buffers", 6: "cached", 7: "available"} {
			all["fettle_node_memory_"+name+"_bytes"] = number(t, mem[column])
		}
		all["fettle_node_memory_swap_total_bytes"] = number(t, swap[1])
		all["fettle_node_memory_swap_free_bytes"] = number(t, swap[3])
		return all
	})
}

func TestReadingsOfIP(t *testing.T) {
	enclosed(t, overHTTP(t, "network"), func() map[string]float64 {
		var links []struct {
			Name  string                        `json:"ifname"`
			Stats map[string]map[string]float64 `json:"stats64"`
		}
		if err := json.Unmarshal([]byte(ran(t, "ip", "-s", "-s", "-j", "link", "show")), &links); err != nil {
			t.Fatal(err)
		}
		all := map[string]float64{}
		for _, l := range links {
			if newNetwork(Host{}).(*networkCollector).skip.MatchString(l.Name) {
				continue
			}
			rx, tx := l.Stats["rx"], l.Stats["tx"]
			for name, v := range map[string]float64{
				"receive_bytes": rx["bytes"], "receive_packets": rx["packets"], "receive_errors": rx["errors"], "receive_fifo": rx["fifo_errors"],
				"receive_multicast": rx["multicast"], "transmit_bytes": tx["bytes"], "transmit_packets": tx["packets"], "transmit_errors": tx["errors"],
				"transmit_dropped": tx["dropped"], "transmit_collisions": tx["collisions"],
				"receive_dropped": rx["dropped"] + rx["missed_errors"], // as /proc has it
			} {
				all[fmt.Sprintf("fettle_node_network_%s_total{device=%q}", name, l.Name)] = v
			}
		}
		return all
	})
}

// What the collectors' own tests read by hand, as it is served.
func TestReadingsOfProc(t *testing.T) {
	enclosed(t, overHTTP(t, "cpu", "disk", "vm", "pressure", "descriptors"), func() map[string]float64 {
		all, vm := map[string]float64{}, vmByHand(t)
		for _, part := range []map[string]float64{cpuByHand(t), disksByHand(t), pressureByHand(t)} {
			maps.Copy(all, part)
		}
		for name, line := range map[string]string{
			"oom_kills_total": "oom_kill", "page_faults_total": "pgfault", "major_page_faults_total": "pgmajfault", "allocation_stalls_total": "allocstall",
		} {
			all["fettle_node_vm_"+name] = vm[line]
		}
		limits := lines(t, "/proc/sys/fs/file-nr")[0]
		all["fettle_node_descriptors_allocated"], all["fettle_node_descriptors_limit"] = number(t, limits[0]), number(t, limits[2])
		for _, f := range lines(t, "/proc/stat") {
			switch f[0] {
			case "ctxt":
				all["fettle_node_context_switches_total"] = number(t, f[1])
			case "processes":
				all["fettle_node_forks_total"] = number(t, f[1])
			}
		}
		return all
	})
}
