package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

// loaded is a configuration and where it came from.
type loaded struct {
	config.Config
	file   string // empty: the defaults
	loaded time.Time
}

func (l loaded) digest() string {
	if l.Digest == "" {
		return ""
	}
	return "sha256:" + l.Digest
}

// aboveObserve tells whether anything is allowed more than to observe.
func (l loaded) aboveObserve() bool {
	a := l.Autonomy
	all := []repair.Autonomy{a.Default}
	for _, v := range a.Tiers {
		all = append(all, v)
	}
	for _, v := range a.Clusters {
		all = append(all, v)
	}
	for _, byPlaybook := range a.Playbooks {
		for _, v := range byPlaybook {
			all = append(all, v)
		}
	}
	for _, v := range all {
		if v == repair.Approve || v == repair.Auto {
			return true
		}
	}
	return false
}

// load reads a configuration. Without a name it is the default file, and where
// that is not there the defaults, which change nothing.
func load(file string, now time.Time) (loaded, error) {
	name := file
	if name == "" {
		name = config.DefaultFile
	}
	cfg, err := config.Load(name)
	switch {
	case err == nil:
		return loaded{Config: cfg, file: name, loaded: now}, nil
	case file == "" && errors.Is(err, fs.ErrNotExist):
		return loaded{Config: config.Default(), loaded: now}, nil
	}
	return loaded{}, fmt.Errorf("configuration: %w", err)
}

func (a *App) override(l *loaded) {
	if a.o.Listen != "" {
		l.Web.Listen = a.o.Listen
	}
	if a.o.Socket != "" {
		l.Web.Socket = a.o.Socket
	}
}

// running is the configuration in use, and why the last reload was not taken.
func (a *App) running() (loaded, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cfg, a.cfgErr
}

// engineConfig is what the engine is told of a configuration.
func (a *App) engineConfig(l loaded) (repair.Config, error) {
	books, err := l.LoadPlaybooks(playbooks.Files(), a.table)
	if err != nil {
		return repair.Config{}, err
	}
	var wrong []error
	for _, p := range config.Check(l.Config, books) {
		if p.Warning {
			a.o.Log.Warn("configuration", "problem", p.String())
			continue
		}
		wrong = append(wrong, errors.New(p.String()))
	}
	if len(wrong) > 0 {
		return repair.Config{}, errors.Join(wrong...)
	}
	l.ForgetPlaces()
	a.secrets.ofPlaybooks(books)
	return repair.Config{
		Inventory: l.Inventory(),
		Playbooks: books,
		Actions:   a.table,
		Guards: guard.Table(guard.Options{Windows: l.Windows(), Limits: l.Limits(), KnownBad: func(kind cluster.Kind, version string) (string, bool) {
			entry, bad := l.Guards.KnownBadVersion(kind, version)
			return "known bad: " + entry + " (guards.version.known_bad)", bad
		}}),
		Autonomy:      l.Autonomy.For,
		Settings:      l.Settings,
		Version:       a.o.Version,
		Digest:        l.digest(),
		Alertmanagers: len(l.Alertmanager.URLs) > 0,
	}, nil
}

// Reload reads the configuration again. On an error the old one stays, and the
// metric and the state say so. Where fettle listens and where its journal is are
// settled at the start.
func (a *App) Reload(ctx context.Context) error {
	a.reloads.Lock()
	defer a.reloads.Unlock()
	err := a.reload(ctx)
	a.mu.Lock()
	a.cfgErr = err
	a.mu.Unlock()
	a.meters.reloaded(err == nil, a.clock().Wall)
	if err != nil {
		a.o.Log.Error("reload failed, the old configuration stays", "err", err)
	} else {
		now, _ := a.running()
		a.o.Log.Info("configuration reloaded", "file", now.file)
	}
	return err
}

func (a *App) reload(ctx context.Context) error {
	next, err := load(a.o.ConfigFile, a.clock().Wall)
	if err != nil {
		return err
	}
	a.override(&next)
	old, _ := a.running()
	if next.Web.Listen != old.Web.Listen || next.Web.Socket != old.Web.Socket || next.Web.ConfigFile != old.Web.ConfigFile {
		return errors.New("web.listen, web.socket or web.config_file changed: that takes a restart")
	}
	next.Journal = old.Journal
	engine, err := a.engineConfig(next)
	if err != nil {
		return err
	}
	if next.aboveObserve() && len(next.Web.Roles) == 0 {
		return errors.New("autonomy above observe needs web.roles")
	}
	if err := a.door.Reload(); err != nil {
		return fmt.Errorf("web.config_file: %w", err)
	}
	if err := a.policy.Reload(grants(next.Web.Roles)); err != nil {
		return err
	}
	if err := a.parts.set(next); err != nil {
		return err
	}
	next.ForgetPlaces()
	a.mu.Lock()
	a.cfg = next
	a.mu.Unlock()
	_, _, err = a.seq.Submit(ctx, repair.Reloaded{Config: engine})
	return err
}

func grants(roles []config.Role) []access.Grant {
	out := make([]access.Grant, len(roles))
	for i, r := range roles {
		out[i] = access.Grant{Role: access.Role(r.Role), Name: r.Name, TokenFile: r.TokenFile, User: r.User, CertificateName: r.CertificateName}
	}
	return out
}
