package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/door"
	"github.com/fettle-io/fettle/internal/inventory"
)

// server routes requests to the exporter of the configuration read last.
type server struct {
	flags  flags
	log    *slog.Logger
	self   *exporter.Self
	page   *landing
	door   *door.Door
	origin *http.CrossOriginProtection
	clock  http.Handler

	lastReload atomic.Bool // whether it was taken
	reloading  sync.Mutex  // one at a time
	mu         sync.Mutex  // for current
	current    *generation
}

// generation is the exporter of one configuration and what it holds open.
type generation struct {
	exporter *exporter.Exporter
	clusters []cluster.Cluster
	left     []cluster.Target // members that other exporters ask
	fromFile bool
	open     []io.Closer
	scrapes  sync.WaitGroup
}

// newServer reads the configuration, which must be in order to begin with.
func newServer(f flags, log *slog.Logger) (*server, error) {
	s := &server{flags: f, log: log, self: exporter.NewSelf(!f.hideOwn), page: newLanding(), origin: http.NewCrossOriginProtection(), clock: exporter.Clock(time.Now)}
	var err error
	s.door, err = door.Open(door.Options{File: f.webConfig, Log: log, Registerer: s.self.Registerer()})
	if err != nil {
		return nil, fmt.Errorf("--web.config.file: %w", err)
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// ServeHTTP has the routes. Not a ServeMux: it panics on some telemetry paths.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if err := s.origin.Check(r); err != nil {
		http.Error(w, "sent by a web page of another origin", http.StatusForbidden)
		return
	}
	switch r.URL.Path {
	case s.flags.telemetryPath:
		g := s.join()
		defer g.scrapes.Done()
		g.exporter.ServeHTTP(w, r)
	case targetPath:
		g := s.join()
		defer g.scrapes.Done()
		g.exporter.ServeTarget(w, r)
	case "/-/healthy":
		fmt.Fprintln(w, "fettle_exporter is healthy.")
	case "/-/ready": // what is served was read in order, whatever a later reload said
		fmt.Fprintln(w, "fettle_exporter is ready.")
	case exporter.ClockPath:
		s.clock.ServeHTTP(w, r)
	case "/-/reload":
		if r.Method != http.MethodPost && r.Method != http.MethodPut {
			w.Header().Set("Allow", "POST, PUT")
			http.Error(w, "This endpoint requires a POST request.", http.StatusMethodNotAllowed)
			return
		}
		if err := s.reload(); err != nil {
			http.Error(w, fmt.Sprintf("failed to reload the configuration: %v", err), http.StatusInternalServerError)
		}
	case "/":
		s.landing(w, r)
	default:
		http.NotFound(w, r)
	}
}

// join is the current generation; the caller's scrape counts until it is done.
func (s *server) join() *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.scrapes.Add(1)
	return s.current
}

// reload reads the configuration again. If it is not in order, what was there
// before goes on.
func (s *server) reload() error {
	if err := s.load(); err != nil {
		s.log.Error("The configuration could not be reloaded; the one before stays", "err", err)
		return err
	}
	return nil
}

func (s *server) load() error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	s.mu.Lock()
	last := s.current
	s.mu.Unlock()
	next, err := s.generation()
	if err == nil && last != nil { // the door was opened just now otherwise
		if err = s.door.Reload(); err != nil {
			err = fmt.Errorf("--web.config.file: %w", err)
			next.close(s.log)
		}
	}
	s.self.Reloaded(err == nil, time.Now())
	s.lastReload.Store(err == nil)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.current = next
	s.mu.Unlock()
	var before []cluster.Target
	if last != nil {
		before = last.left
	}
	note(next.left, before, inventory.ThisMachine(s.flags.hostNames), s.log)
	if last != nil {
		go last.close(s.log)
	}
	return nil
}

// generation makes the exporter of the configuration as it now is.
func (s *server) generation() (*generation, error) {
	conf, fromFile, err := s.read()
	if err != nil {
		return nil, err
	}
	here := inventory.ThisMachine(s.flags.hostNames).Is
	g := &generation{clusters: conf.Clusters, left: leftOut(conf, here), fromFile: fromFile}
	var sources []exporter.Source
	for _, c := range conf.Clusters {
		if c = askedHere(c, here); len(c.Members) == 0 {
			continue
		}
		driver, err := exporter.Open(c)
		if err != nil {
			g.close(s.log)
			return nil, err
		}
		if driver == nil {
			continue // nobody looks at it as a whole
		}
		g.open = append(g.open, driver)
		sources = append(sources, exporter.Source{Cluster: c, Viewer: driver})
	}
	host := s.flags.host
	host.Units.Members = servicesHere(conf.Clusters, here)
	if host.Declared, err = declared(conf, host, here); err != nil {
		g.close(s.log)
		return nil, fmt.Errorf("%s: %w", s.flags.config, err)
	}
	host.Clocks = clocksOf(conf, here)
	if host.Probes, err = probers(conf.Probes); err != nil {
		g.close(s.log)
		return nil, fmt.Errorf("%s: %w", s.flags.config, err)
	}
	host.Heartbeat = heartbeat(conf, here)
	g.exporter, err = exporter.New(exporter.Options{
		Collectors:  s.enabled(conf.Collectors),
		Sources:     sources,
		Host:        host,
		MaxRequests: s.flags.maxRequests,
		Self:        s.self,
		Log:         s.log,
	})
	if err != nil {
		g.close(s.log)
		return nil, fmt.Errorf("%s: %w", s.flags.config, err)
	}
	g.open = append(g.open, g.exporter)
	s.log.Info("Configuration loaded", "collectors", g.exporter.Enabled(), "clusters", len(sources), "services", len(host.Units.Members), "probes", len(host.Probes),
		"values", len(host.Declared.Values), "backups", len(host.Declared.Backups), "trees", host.Declared.Trees.Copies())
	return g, nil
}

// read reads the configuration; without the default file it is empty.
func (s *server) read() (conf inventory.Exporter, fromFile bool, err error) {
	conf, err = inventory.LoadExporter(s.flags.config)
	if errors.Is(err, fs.ErrNotExist) && !s.flags.configSet {
		s.log.Info("No configuration file, so no clusters", "config", s.flags.config)
		return inventory.Exporter{}, false, nil
	}
	return conf, true, err
}

// enabled says of collectors whether they are: by the flag, else by the file,
// else by --collector.disable-defaults, else (absent) by default.
func (s *server) enabled(file map[string]bool) map[string]bool {
	enabled := map[string]bool{}
	if s.flags.disableDefaults {
		for _, e := range exporter.Collectors() {
			enabled[e.Name] = false
		}
	}
	maps.Copy(enabled, file)
	maps.Copy(enabled, s.flags.collectors)
	return enabled
}

func (s *server) close() {
	s.mu.Lock()
	g := s.current
	s.mu.Unlock()
	g.close(s.log)
}

// close waits for the scrapes that use g and closes what it holds, the exporter before
// the drivers that it uses.
func (g *generation) close(log *slog.Logger) {
	g.scrapes.Wait()
	for _, c := range slices.Backward(g.open) {
		if err := c.Close(); err != nil {
			log.Warn("Could not close a connection", "err", err)
		}
	}
}
