package guard_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

// fakeState is a fold that says what a case wants.
type fakeState struct {
	pausedBy string
	cooldown time.Duration
	made     int
	open     bool
	live     int
	down     []string
	since    *[]time.Duration // of what MayBeDown was asked
}

func (s fakeState) Paused(string) (string, bool)                             { return s.pausedBy, s.pausedBy != "" }
func (s fakeState) CooldownLeft(string, string, time.Duration) time.Duration { return s.cooldown }
func (s fakeState) AttemptsMade(string, string, time.Duration) int           { return s.made }
func (s fakeState) CircuitOpen(string, string) bool                          { return s.open }
func (s fakeState) SlotHolder([]string, string) (holder string, taken bool)  { return "", false }
func (s fakeState) LiveRuns(string) int                                      { return s.live }
func (s fakeState) MayBeDown(_ string, since journal.Reading) []string {
	if s.since != nil {
		*s.since = append(*s.since, since.Since)
	}
	return s.down
}

// serving is a voter that answers, caught up, in the given term.
func serving(name, leader string, term uint64) cluster.MemberView {
	return cluster.MemberView{Name: name, ID: name, Reachable: true, Leader: leader, Term: term, Commit: 5000, Applied: 5000, Version: "3.5.21"}
}

func silent(name string) cluster.MemberView {
	return cluster.MemberView{Name: name, ID: name, Error: "refused"}
}

func dead(name string) cluster.Sight {
	return cluster.Sight{
		Member: name, Service: cluster.Service{State: cluster.ServiceDead}, Proof: cluster.Proof{Answer: cluster.Yes},
		GoneByProbe: cluster.Yes, GoneByPrometheus: cluster.Yes, GoneByPeer: cluster.Yes,
	}
}

func alive(name string) cluster.Sight {
	return cluster.Sight{
		Member: name, Alive: true, Service: cluster.Service{State: cluster.ServiceRunning},
		Proof:       cluster.Proof{Answer: cluster.No, Reason: "process-runs"},
		GoneByProbe: cluster.No, GoneByPrometheus: cluster.No, GoneByPeer: cluster.No,
	}
}

func hung(name string) cluster.Sight {
	s := alive(name)
	s.Alive, s.Hung = false, true
	s.GoneByProbe, s.GoneByPrometheus, s.GoneByPeer = cluster.Yes, cluster.Yes, cluster.Yes
	return s
}

// question is about member a of a healthy cluster of three, a being dead: every
// guard says yes to starting it.
func question() *repair.Question {
	member := cluster.Member{Name: "a"}
	return &repair.Question{
		Playbook: &repair.Playbook{Name: "etcd-member-restart"},
		Step:     repair.PlannedStep{Name: "start", Action: "member-start"}, Counted: "member-start",
		Spec:     repair.ActionSpec{Name: "member-start", Does: repair.Starts},
		Target:   cluster.Target{Cluster: cluster.Cluster{Name: "demo", Kind: cluster.KindEtcd, Members: []cluster.Member{member}}, Member: member},
		Settings: repair.Settings{Cooldown: 10 * time.Minute, Attempts: 3, AttemptsWithin: 15 * time.Minute, CommitLag: 1000, LiveRuns: 10},
		Autonomy: repair.Auto,
		State:    fakeState{},
		Seen: repair.Sighting{Facts: repair.Facts{
			View:   &cluster.View{Cluster: "demo", Members: []cluster.MemberView{silent("a"), serving("b", "b", 2), serving("c", "b", 2)}},
			Sights: []cluster.Sight{dead("a"), alive("b"), alive("c")},
		}},
	}
}

// ending makes it a question about ending member a, which hangs.
func ending(q *repair.Question) {
	q.Step, q.Counted = repair.PlannedStep{Name: "end-hung", Action: "member-end-hung"}, "member-end-hung"
	q.Spec = repair.ActionSpec{Name: "member-end-hung", Does: repair.Takes}
	q.Seen.Facts.Sights[0] = hung("a")
}

// leaderless takes the leader away: nobody names one.
func leaderless(q *repair.Question) {
	for i := range q.Seen.Facts.View.Members {
		q.Seen.Facts.View.Members[i].Leader = ""
	}
}

// service makes it a question about a unit that is no member of a quorum.
func service(q *repair.Question) {
	q.Target.Cluster.Kind = cluster.KindService
	q.Seen.Facts.View = nil
}

type change func(q *repair.Question)

// tc is one case: what is otherwise than in question(), and the answer. An empty
// reason is a yes; a reason that ends in "!" waits for a person.
type tc struct {
	name string
	with []change
	want string
	says string // part of the detail
}

func check(t *testing.T, g repair.Guard, cases []tc) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			q := question()
			for _, fn := range c.with {
				fn(q)
			}
			v := g.Ask(*q)
			got := v.Reason
			if !v.OK && !v.Passing {
				got += "!"
			}
			if got != c.want || v.OK != (c.want == "") {
				t.Fatalf("got %q (%+v), want %q", got, v, c.want)
			}
			if !v.OK && v.Detail == "" && c.says != "-" {
				t.Error("a refusal without a word for people")
			}
			if !strings.Contains(v.Detail, strings.Trim(c.says, "-")) {
				t.Errorf("detail %q does not say %q", v.Detail, c.says)
			}
		})
	}
}

func state(s fakeState) change { return func(q *repair.Question) { q.State = s } }

func sightOf(i int, fn func(s *cluster.Sight)) change {
	return func(q *repair.Question) { fn(&q.Seen.Facts.Sights[i]) }
}

func viewOf(i int, fn func(m *cluster.MemberView)) change {
	return func(q *repair.Question) { fn(&q.Seen.Facts.View.Members[i]) }
}

func view(members ...cluster.MemberView) change {
	return func(q *repair.Question) { q.Seen.Facts.View = &cluster.View{Cluster: "demo", Members: members} }
}

func sights(s ...cluster.Sight) change {
	return func(q *repair.Question) { q.Seen.Facts.Sights = s }
}

func noView(q *repair.Question)  { q.Seen.Facts.View = nil }
func noSight(q *repair.Question) { q.Seen.Facts.Sights = nil }

func knownBad(_ cluster.Kind, version string) (string, bool) {
	return "it loses data when it is killed", version == "3.5.1"
}

func table() []repair.Guard { return guard.Table(guard.Options{KnownBad: knownBad}) }

func TestAllGuardsLetAPlainStartPass(t *testing.T) {
	for _, g := range table() {
		if v := g.Ask(*question()); !v.OK {
			t.Errorf("%s refuses: %+v", g.Name, v)
		}
	}
}

// A question about which nothing was seen must be refused by those guards that
// look, and must not make any of them panic.
func TestNothingSeenIsNoYes(t *testing.T) {
	for _, does := range []repair.Does{repair.Starts, repair.Takes} {
		refused := 0
		for _, g := range table() {
			q := question()
			q.Spec.Does, q.Seen = does, repair.Sighting{}
			if v := g.Ask(*q); !v.OK {
				refused++
			}
		}
		if refused < 3 {
			t.Errorf("%s: only %d guards refuse when nothing was seen", does, refused)
		}
	}
}

// fromFacts are the reasons that a guard hands on from the facts: they stand in no
// literal of its own.
var fromFacts = map[string][]string{
	"on-purpose": {"stopped", "masked", "disabled", "shutdown", "package-manager"},
	"proof":      {"process-runs", "empty-data-dir", "no-data-dir", "other-member"},
}

func TestEveryGuardHasTestAndPage(t *testing.T) {
	names := map[string]bool{}
	for _, g := range table() {
		if names[g.Name] {
			t.Errorf("two guards are named %s", g.Name)
		}
		names[g.Name] = true
		file := strings.ReplaceAll(g.Name, "-", "_")
		if _, err := os.Stat(file + "_test.go"); err != nil {
			t.Errorf("guard %s has no test file: %v", g.Name, err)
		}
		page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guards", g.Name+".md"))
		if err != nil {
			t.Errorf("guard %s has no page: %v", g.Name, err)
			continue
		}
		if !strings.HasPrefix(string(page), "# "+g.Name+"\n") {
			t.Errorf("docs/guards/%s.md does not begin with its name", g.Name)
		}
		reasons := append(literals(t, file+".go"), fromFacts[g.Name]...)
		if strings.Contains(string(must(os.ReadFile(file+".go"))), "sight(q)") {
			reasons = append(reasons, "no-sight")
		}
		if len(reasons) == 0 {
			t.Errorf("no reasons found in %s.go", file)
		}
		for _, r := range reasons {
			if !strings.Contains(string(page), "| `"+r+"` |") {
				t.Errorf("docs/guards/%s.md has no row for reason %s", g.Name, r)
			}
		}
		for _, r := range rows(string(page)) {
			if !slices.Contains(reasons, r) {
				t.Errorf("docs/guards/%s.md has a row for %s, which the guard never says", g.Name, r)
			}
		}
	}
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "guards", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if name := strings.TrimSuffix(filepath.Base(p), ".md"); !names[name] && name != "README" {
			t.Errorf("%s is no guard's page", p)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(fmt.Sprint("a source file of this package: ", err))
	}
	return b
}

// literals are the reasons that stand in a file as the first argument of Refuse
// and RefuseForPerson.
func literals(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !strings.HasPrefix(sel.Sel.Name, "Refuse") {
			return true
		}
		if lit, ok := call.Args[0].(*ast.BasicLit); ok {
			if s, err := strconv.Unquote(lit.Value); err == nil && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

// rows are the reasons in a page's table.
func rows(page string) []string {
	var out []string
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			if r, _, ok := strings.Cut(rest, "` |"); ok {
				out = append(out, r)
			}
		}
	}
	return out
}
