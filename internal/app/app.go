// Package app wires fettle serve: the journal, the engine and its sequencer, the
// drivers and actions, the webhook and the API. New opens everything in the order
// in which it depends on each other, Start serves, and Stop runs backwards.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/anchor"
	"github.com/fettle-io/fettle/internal/door"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// Options is what the command line says.
type Options struct {
	// ConfigFile is fettle.yml; empty: the default place, where it may be missing.
	ConfigFile string
	// Listen and Socket, if set, are instead of the configuration's.
	Listen string
	Socket string
	// Version is this program's.
	Version string
	Log     *slog.Logger
	// Actions, if set, exchanges the table of actions, and Survey the look at the
	// whole inventory: for benches over a fake fleet.
	Actions func(map[string]repair.ActionSpec) map[string]repair.ActionSpec
	Survey  func(context.Context) repair.Fleet
}

// App is a fettle that serves.
type App struct {
	o        Options
	clock    func() journal.Reading
	started  journal.Reading
	reg      *prometheus.Registry
	meters   *meters
	monitors *monitors

	mu      sync.Mutex // of what a reload changes
	cfg     loaded
	cfgErr  error
	reloads sync.Mutex // one at a time

	parts   *parts                       // drivers, services, Alertmanagers: of the running configuration
	table   map[string]repair.ActionSpec // the actions, over parts
	journal *journal.Journal
	index   *journal.Index         // where the records of stories stand
	unread  string                 // why it was not up to date the last time; catchUp's
	state   *repair.State          // as the journal was opened; the engine's from then on
	damage  atomic.Pointer[string] // what the scrub of the journal found
	seq     *repair.Sequencer
	policy  *access.Policy
	door    *door.Door
	routes  func() gin.RoutesInfo
	tcp     net.Listener
	unix    net.Listener
	servers []*http.Server
	plans   chan struct{} // has one element for each Foresee under way

	secrets   secrets // what must not stand in a record
	keeper    *anchor.Keeper
	anchoring func() // ends it; nil: it never began

	onStop []func() error // run backwards
}

// New opens everything and begins nothing: an error leaves nothing behind.
func New(ctx context.Context, o Options) (_ *App, err error) {
	clock, err := journal.SystemClock()
	if err != nil {
		return nil, fmt.Errorf("read the clocks: %w", err)
	}
	limitMemory(ctx)
	a := &App{o: o, clock: clock, started: clock(), reg: prometheus.NewRegistry(), plans: make(chan struct{}, maxPlans)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.cleanup())
		}
	}()
	if a.cfg, err = load(o.ConfigFile, a.clock().Wall); err != nil {
		return nil, err
	}
	a.override(&a.cfg)
	if err := access.CheckListen(a.cfg.Web.Listen, len(a.cfg.Web.Roles) > 0); err != nil {
		return nil, err
	}
	a.secrets.config = func() loaded { now, _ := a.running(); return now }
	a.meters = newMeters(a.reg)
	a.monitors = newMonitors(a.reg)
	if err := a.openParts(); err != nil {
		return nil, err
	}
	if err := a.openJournal(); err != nil {
		return nil, err
	}
	if err := a.openEngine(); err != nil {
		return nil, err
	}
	if err := a.openWeb(ctx); err != nil {
		return nil, err
	}
	a.meters.reloaded(true, a.cfg.loaded)
	return a, nil
}

// Addr is where the API listens, for tests that listen on port 0.
func (a *App) Addr() string { return a.tcp.Addr().String() }

// Start serves until Stop. What was live is resumed first.
func (a *App) Start() {
	a.startAnchors()
	a.seq.Start()
	a.onStop = append(a.onStop, func() error { a.seq.Stop(); return nil })
	watch, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { a.parts.watch(watch) })
	done.Go(func() { a.upkeep(watch) })
	a.onStop = append(a.onStop, func() error { stop(); done.Wait(); return nil })
	a.serve()
	now, _ := a.running()
	a.o.Log.Info("fettle serves", "listen", a.Addr(), "socket", a.socket(), "journal", a.journalDir(),
		"journal_id", a.journal.Identity().ID, "config", now.file, "clusters", len(now.Clusters))
}

// Alive returns nil once the engine has answered, and an error where it does not
// while ctx lasts: for a watchdog.
func (a *App) Alive(ctx context.Context) error { return a.seq.Read(ctx, func(*repair.Engine) {}) }

// Stop ends what Start began and closes what New opened, backwards.
func (a *App) Stop() error { return a.cleanup() }

func (a *App) cleanup() error {
	var errs []error
	for i := len(a.onStop) - 1; i >= 0; i-- {
		errs = append(errs, a.onStop[i]())
	}
	a.onStop = nil
	return errors.Join(errs...)
}

// openEngine folds the journal and makes the engine from it.
func (a *App) openEngine() error {
	cfg, err := a.engineConfig(a.cfg)
	if err != nil {
		return err
	}
	a.cfg.ForgetPlaces()
	survey := a.parts.survey
	if a.o.Survey != nil {
		survey = a.o.Survey
	}
	engine := repair.NewEngine(cfg, a.state, newID)
	a.seq = repair.NewSequencer(engine, repair.Edges{
		Journal: a.journal, Clock: a.clock, Brake: a.brake, Damaged: a.damaged,
		Poll: a.poll, Verify: a.parts.verify, Survey: survey, Keep: a.keep, Escalate: a.openEscalate(), Metrics: repair.NewMetrics(a.reg), Logger: a.o.Log,
	})
	return nil
}

// brake tells whether the brake file is there. Whatever else than "it is not" the
// file system answers counts as there.
func (a *App) brake() bool {
	a.mu.Lock()
	path := a.cfg.Brake
	a.mu.Unlock()
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// newID is a UUIDv7. Without randomness nothing can be named, and nothing goes on.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

const shutdownTimeout = 10 * time.Second
