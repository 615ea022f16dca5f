//go:build servers

package dashboards_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// The generator still makes the dashboards that are here, which Grafana's schema allows.
func TestGeneratorMakesThem(t *testing.T) {
	for _, args := range [][]string{{"run", ".", "-check"}, {"test", "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = "generate"
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", args[0], err, out)
		}
	}
}

// when says when a panel has to have data.
type when struct {
	incident string // calm, one of the incidents, or never
	reason   string // why there is none before
}

// readTable reads testdata/panels.txt: FILE: TITLE, when, and why not in calm, between
// bars.
func readTable(t *testing.T) map[string]when {
	t.Helper()
	f, err := os.Open("testdata/panels.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := map[string]when{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if len(fields) != 3 || (fields[2] == "") != (fields[1] == "calm") {
			t.Fatalf("panels.txt:%d: %q: want PANEL | WHEN | WHY NOT IN CALM", n, line)
		}
		if _, twice := table[fields[0]]; twice {
			t.Fatalf("panels.txt:%d: %s is there twice", n, fields[0])
		}
		table[fields[0]] = when{fields[1], fields[2]}
	}
	return table
}

// Every panel's queries, against a real Prometheus that scrapes the demo and an exporter
// over real databases: in calm, and while things break.
func TestPanelsHaveData(t *testing.T) {
	table, panels := readTable(t), byTitle(t)
	for at := range panels {
		if _, ok := table[at]; !ok {
			t.Errorf("testdata/panels.txt does not know %s", at)
		}
	}
	for at := range table {
		if _, ok := panels[at]; !ok {
			t.Errorf("testdata/panels.txt knows %s, which is no panel", at)
		}
	}
	w := newWorld(t)
	incidents := w.incidents()
	names := []string{"calm", "never"}
	for _, i := range incidents {
		names = append(names, i.name)
	}
	for at, is := range table {
		if !slices.Contains(names, is.incident) {
			t.Errorf("%s: %s is none of %v", at, is.incident, names)
		}
	}
	for _, i := range append([]incident{{name: "calm"}}, incidents...) {
		t.Run(i.name, func(t *testing.T) {
			begin := time.Now().Add(-time.Second)
			if i.begin != nil {
				i.begin(t)
			}
			var wanting []string
			for at, is := range table {
				if _, ok := panels[at]; ok && is.incident == i.name {
					wanting = append(wanting, at)
				}
			}
			slices.Sort(wanting)
			t.Logf("%d panels", len(wanting))
			w.awaitData(t, panels, wanting, begin)
			for at, want := range i.shows {
				w.awaitValue(t, panels[at].Targets[0].Expr, want, begin)
			}
			if i.end != nil {
				i.end(t)
			}
		})
	}
	// Grafana cannot draw an edge without both of its ends.
	t.Run("graph", func(t *testing.T) {
		w.await(t, func() string { return w.graph(t, panels["overview.json: Dependencies"]) })
	})
	// What ended is marked, each at its own time.
	t.Run("marks", func(t *testing.T) {
		for _, a := range load(t)["overview.json"].Annotations.List {
			if a.BuiltIn == 1 {
				continue
			}
			w.await(t, func() string {
				times, err := w.values(t.Context(), a.Expr, false, w.began)
				if err != nil || len(times) == 0 {
					return fmt.Sprintf("%s: no marks: %v", a.Name, err)
				}
				for _, ms := range times {
					if at := time.UnixMilli(int64(ms)); at.Before(w.began) || at.After(time.Now()) {
						t.Errorf("%s: a mark at %s", a.Name, at)
					}
				}
				return ""
			})
		}
	})
	// One of the clocks is an hour ahead.
	t.Run("clocks", func(t *testing.T) {
		w.await(t, func() string {
			return w.data(t.Context(), panels["probes.json: Members' clocks"].Targets[0].Expr+" > 3599", false, w.began)
		})
	})
	// Nothing that had data may have lost it: the time shown is all of it.
	t.Run("after", func(t *testing.T) {
		var all []string
		for at, is := range table {
			if over := panels[at].Type == "timeseries" || panels[at].Type == "state-timeline"; over && is.incident == "calm" {
				all = append(all, at)
			}
		}
		slices.Sort(all)
		w.awaitData(t, panels, all, w.began)
	})
}

// graph says what the graph of dependencies lacks: nothing where each edge has both of
// its ends, and there are enough of them.
func (w *world) graph(t *testing.T, p panel) string {
	t.Helper()
	ends := map[string]bool{}
	for _, q := range p.Targets {
		found, err := w.ask(t.Context(), q.Expr, false, w.began)
		if err != nil {
			return err.Error()
		}
		for _, s := range found {
			if q.RefID == "nodes" {
				ends[s.Labels["id"]] = true
			} else if !ends[s.Labels["source"]] || !ends[s.Labels["target"]] || s.Labels["id"] == "" {
				return fmt.Sprintf("the edge %v has no end among the nodes %v", s.Labels, ends)
			}
		}
	}
	if len(ends) < 4 {
		return fmt.Sprintf("only the nodes %v", ends)
	}
	return ""
}

// await asks until nothing is wrong: what is shown of now is not there after a scrape
// that took too long, until the next one.
func (w *world) await(t *testing.T, wrong func() string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		why := wrong()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			t.Error(why)
			return
		}
	}
}

// awaitValue asks until the query of a panel over time showed the value since begin.
func (w *world) awaitValue(t *testing.T, expr string, want float64, begin time.Time) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		values, err := w.values(t.Context(), expr, true, begin)
		if slices.Contains(values, want) {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%s never shows %v: %v %v", expr, want, values, err)
			return
		}
	}
}

// awaitData asks until every query of the panels had data, or their time is up.
func (w *world) awaitData(t *testing.T, panels map[string]panel, wanting []string, begin time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	missing := map[string]string{}
	for {
		clear(missing)
		wanting = slices.DeleteFunc(wanting, func(at string) bool {
			for _, q := range panels[at].Targets {
				if why := w.data(ctx, q.Expr, q.Range, begin); why != "" {
					missing[at] = fmt.Sprintf("%s: %s", q.RefID, why)
					return false
				}
			}
			return true
		})
		if len(wanting) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			for _, at := range wanting {
				t.Errorf("%s: %s", at, missing[at])
			}
			return
		case <-time.After(time.Second):
		}
	}
}
