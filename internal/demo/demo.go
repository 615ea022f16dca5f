package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/repair"
)

// Show says what `fettle demo` shows, and how.
type Show struct {
	Cycles int
	Fault  FaultKind
	Seed   uint64 // of the choice of members; 0: another one each time
	Keep   bool   // leave everything running until ctx ends
	// Observe starts everything with autonomy observe, breaks nothing, and leaves it
	// running until ctx ends: docs/tutorial.md goes on from there.
	Observe bool
	Dir     string // where the files go, and stay; it must not be there yet. Empty: a temporary folder
	Strict  bool   // a figure that misses its limit is an error too
	JSON    bool
	Out     io.Writer
	// Terminal tells that Out is one.
	Terminal bool
	// Fettle is this program's own path; fettle_exporter is looked for beside it.
	Fettle string
}

// Run builds or finds the programs, starts a stage, and shows the repairs. It ends
// with an error when a member was not repaired, a write was lost, or the journal
// does not verify; then, and with Keep, the files are left.
func Run(ctx context.Context, s Show) error {
	if s.Cycles < 1 {
		return fmt.Errorf("--cycles=%d: want at least 1", s.Cycles)
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64() //nolint:gosec // a choice of members, printed to repeat it
	}
	screen := &printer{out: s.Out, json: s.JSON, terminal: s.Terminal}
	o, versions, err := s.programs(ctx, screen)
	if err != nil {
		return err
	}
	if o.Dir, err = s.folder(); err != nil {
		return err
	}
	if s.Observe {
		o.Autonomy = repair.Observe
		err = s.stay(ctx, o, versions, screen)
	} else {
		err = s.show(ctx, o, versions, screen)
	}
	if !s.Keep && s.Dir == "" && (err == nil || errors.Is(err, errInterrupted)) {
		return errors.Join(err, os.RemoveAll(o.Dir))
	}
	screen.note("kept", "files kept in "+o.Dir, nil)
	return err
}

// folder makes the one for the stage's files.
func (s Show) folder() (string, error) {
	if s.Dir == "" {
		return os.MkdirTemp("", "fettle-demo-")
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("--dir: %w; name a folder that is not there yet", err)
	}
	return dir, nil
}

// errInterrupted: Ctrl-C or SIGTERM came before the demo was at its end.
var errInterrupted = errors.New("interrupted")

// programs finds what the stage is made of.
func (s Show) programs(ctx context.Context, screen *printer) (o Options, versions string, err error) {
	o.Fettle, o.Exporter = s.Fettle, filepath.Join(filepath.Dir(s.Fettle), "fettle_exporter")
	if _, err := os.Stat(o.Exporter); err != nil {
		return o, "", fmt.Errorf("the demo needs fettle_exporter beside fettle: %w; in fettle's source tree, `make build` builds both", err)
	}
	for _, needed := range []struct {
		name string
		path *string
	}{{"etcd", &o.Etcd}, {"prometheus", &o.Prometheus}, {"alertmanager", &o.Alertmanager}} {
		p, err := programs.Find(ctx, needed.name, programs.Options{Progress: screen.progress})
		if err != nil {
			return o, "", err
		}
		*needed.path = p.Path
		versions += fmt.Sprintf(", %s %s (%s)", p.Name, p.Version, p.Origin)
	}
	return o, versions[2:], nil
}

func (s Show) show(ctx context.Context, o Options, versions string, screen *printer) (err error) {
	o = o.orDefault()
	screen.progress("starting etcd, Prometheus, Alertmanager, fettle_exporter and fettle serve")
	starting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	stage, err := Start(starting, o)
	switch {
	case ctx.Err() != nil:
		return errors.Join(errInterrupted, stage.Close())
	case err != nil:
		return fmt.Errorf("start the demo: %w", err)
	}
	defer func() { err = errors.Join(err, stage.Close()) }()
	set := s.settings(stage, versions)
	screen.note("started", set.text(), set)

	var endpoints []string
	for _, m := range stage.Specs {
		endpoints = append(endpoints, m.Client)
	}
	w, err := newWriter(ctx, endpoints)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	p, err := newPlay(stage, w, screen, s.Seed)
	if err != nil {
		return err
	}
	err = s.cycles(ctx, p)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if errors.Is(err, errNotRepaired) {
		p.explain(ctx)
	}
	err = errors.Join(err, p.verify(ctx, s.Keep))
	if s.Keep && ctx.Err() == nil {
		g := stage.guide()
		screen.note("kept running", g.text(), g)
		<-ctx.Done()
	}
	return err
}

func (s Show) cycles(ctx context.Context, p *play) error {
	for n := 1; n <= s.Cycles; n++ {
		if s.Cycles > 1 {
			p.screen.note("cycle", fmt.Sprintf("\ncycle %d of %d", n, s.Cycles), nil)
		}
		if err := p.cycle(ctx, n, s.Fault, n == s.Cycles && !s.Keep); err != nil {
			return err
		}
	}
	p.writer.stop()
	written, err := p.writer.check(ctx)
	if err != nil {
		return err
	}
	p.screen.note("writes", "\nwrites: "+written.String(), written)
	sum, held := summarize(p.figures), limitsAt(p.stage.Interval)
	if s.Cycles > 1 {
		p.screen.note("summary", "\n"+sum.table(s.Fault, held), sum)
	}
	if missed := sum.missed(s.Fault, held); s.Strict && len(missed) > 0 {
		err = errors.New(strings.Join(missed, "; "))
	}
	return errors.Join(err, written.err())
}

// explain prints what fettle itself says about the member.
func (p *play) explain(ctx context.Context) {
	out, err := p.stage.Command(ctx, "explain", "--journal="+p.stage.Journal(), memberDown)
	if err != nil {
		out += err.Error()
	}
	p.screen.note("explain", out, nil)
}

// verify runs the real `fettle journal verify`. fettle serve is ended before, so
// that its last checkpoint covers everything, unless it is to be kept.
func (p *play) verify(ctx context.Context, keep bool) error {
	if !keep {
		p.stage.StopServe()
	}
	p.screen.note("command", "\n$ fettle journal verify "+p.stage.Journal()+" --key "+p.stage.path("journal.pub"), nil)
	out, err := p.stage.Command(ctx, "journal", "verify", p.stage.Journal(), "--key="+p.stage.path("journal.pub"))
	p.screen.note("journal verify", out, nil)
	return err
}
