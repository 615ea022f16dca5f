package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/connections"
	"github.com/fettle-io/fettle/webhook"
)

// openWeb binds the listeners and makes the handlers. Nothing is served yet, but
// whoever connects waits and is not refused.
func (a *App) openWeb(ctx context.Context) error {
	w := a.cfg.Web
	checked, err := usersChecked(w.ConfigFile)
	if err != nil {
		return err
	}
	a.policy, err = access.New(access.Options{
		Grants: grants(w.Roles), Table: access.Routes(), UsersChecked: checked,
	})
	if err != nil {
		return fmt.Errorf("web.roles: %w", err)
	}
	hook := webhook.New(webhook.Options{
		Sink:    &sink{seq: a.seq, newID: newID, log: a.o.Log, last: a.lastSeq},
		Metrics: webhook.NewMetrics(a.reg), Log: a.o.Log, NewID: newID, MaxBody: int64(w.MaxBody),
	})
	router, err := api.NewEngine(a.o.Log, hook.Count, a.policy.Check)
	if err != nil {
		return err
	}
	hook.Register(router)
	api.New(api.Options{
		Backend: backend{a}, Log: a.o.Log,
		Metrics: promhttp.HandlerFor(a.reg, promhttp.HandlerOpts{EnableOpenMetrics: true, Registry: a.reg}),
	}).Register(router)

	listen := net.ListenConfig{}
	l, err := listen.Listen(ctx, "tcp", w.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	overTCP := api.NewServer(router, a.o.Log)
	a.tcp = connections.New(w.MaxConnections, a.reg).Guard(overTCP, l)
	a.servers = append(a.servers, overTCP)
	a.onStop = append(a.onStop, closeOnce(a.tcp))
	if a.unix, err = a.openSocket(w); err != nil {
		return err
	}
	if a.unix != nil {
		a.onStop = append(a.onStop, closeOnce(a.unix))
		a.servers = append(a.servers, api.NewServer(router, a.o.Log))
	}
	return nil
}

// usersChecked tells whether the web configuration asks for names and passwords:
// only then does a user's name in a request prove anything.
func usersChecked(file string) (bool, error) {
	if file == "" {
		return false, nil
	}
	if err := toolkit.Validate(file); err != nil {
		return false, fmt.Errorf("web.config_file: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return false, fmt.Errorf("web.config_file: %w", err)
	}
	var web struct {
		Users map[string]string `yaml:"basic_auth_users"`
		Rate  any               `yaml:"rate_limit"`
	}
	if err := yaml.Unmarshal(data, &web); err != nil {
		return false, fmt.Errorf("web.config_file %s: %w", file, err)
	}
	if web.Rate != nil {
		return false, fmt.Errorf("web.config_file %s: rate_limit answers 429, and Alertmanager drops what is answered so: leave it out", file)
	}
	return len(web.Users) > 0, nil
}

// openSocket binds the CLI's socket. The default place needs a directory that the
// installation makes; without it, and without a configuration, there is none.
func (a *App) openSocket(w config.Web) (net.Listener, error) {
	if w.Socket == "" {
		return nil, nil
	}
	if a.cfg.file == "" && a.o.Socket == "" && !writable(filepath.Dir(w.Socket)) {
		path := config.OwnSocket()
		if path == "" || !writable(filepath.Dir(path)) {
			a.o.Log.Info("no unix socket: its directory cannot be written", "socket", w.Socket, "use", "http://"+a.tcp.Addr().String())
			return nil, nil
		}
		a.cfg.Web.Socket = path
		w.Socket = path
	}
	if err := os.MkdirAll(filepath.Dir(w.Socket), 0o750); err != nil {
		return nil, fmt.Errorf("web.socket: %w", err)
	}
	return access.ListenUnix(w.Socket)
}

func (a *App) socket() string {
	if a.unix == nil {
		return ""
	}
	return a.cfg.Web.Socket
}

func (a *App) lastSeq() uint64 {
	if n := a.journal.Size(); n > 0 {
		return n - 1
	}
	return 0
}

// serve begins to answer, and has Stop end it.
func (a *App) serve() {
	file := a.cfg.Web.ConfigFile
	flags := &toolkit.FlagConfig{WebConfigFile: &file}
	ended := make(chan struct{}, len(a.servers))
	for i, srv := range a.servers {
		go func() {
			defer func() { ended <- struct{}{} }()
			var err error
			if i == 0 {
				err = toolkit.Serve(a.tcp, srv, flags, a.o.Log)
			} else {
				err = srv.Serve(a.unix)
			}
			if err != nil && !errors.Is(err, http.ErrServerClosed) {
				a.o.Log.Error("the server ended", "err", err)
			}
		}()
	}
	a.onStop = append(a.onStop, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		var errs []error
		for _, srv := range a.servers {
			if err := srv.Shutdown(ctx); err != nil {
				errs = append(errs, err, srv.Close())
			}
		}
		for range a.servers {
			<-ended
		}
		return errors.Join(errs...)
	})
}

// closeOnce closes a listener that a server may have closed already.
func closeOnce(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}
