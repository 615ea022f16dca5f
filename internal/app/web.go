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

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/connections"
	"github.com/fettle-io/fettle/internal/door"
	"github.com/fettle-io/fettle/webhook"
)

// openWeb binds the listeners and makes the handlers. Nothing is served yet, but
// whoever connects waits and is not refused.
func (a *App) openWeb(ctx context.Context) error {
	w := a.cfg.Web
	var err error
	a.door, err = door.Open(door.Options{File: w.ConfigFile, Check: a.usersHaveRoles, Log: a.o.Log, Registerer: a.reg})
	if err != nil {
		return fmt.Errorf("web.config_file: %w", err)
	}
	a.policy, err = access.New(access.Options{Grants: grants(w.Roles), Table: access.Routes().With(access.Pages()), Users: a.door})
	if err != nil {
		return fmt.Errorf("web.roles: %w", err)
	}
	hook := webhook.New(webhook.Options{
		Sink:    &sink{seq: a.seq, newID: newID, last: a.lastSeq, came: a.came},
		Metrics: webhook.NewMetrics(a.reg), Log: a.o.Log, NewID: newID, MaxBody: int64(w.MaxBody),
	})
	router, err := api.NewEngine(a.o.Log, hook.Count, a.policy.Check)
	if err != nil {
		return err
	}
	hook.Register(router)
	a.routes = router.Routes
	api.New(api.Options{
		Backend: backend{a}, Log: a.o.Log,
		Metrics: promhttp.HandlerFor(a.reg, promhttp.HandlerOpts{EnableOpenMetrics: true, Registry: a.reg}),
	}).Register(router)
	if err := a.openConsole(router); err != nil {
		return err
	}

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

// usersHaveRoles refuses users where there are no roles: everybody on this machine
// would come in without a password.
func (a *App) usersHaveRoles(users []string) error {
	if now, _ := a.running(); len(users) > 0 && len(now.Web.Roles) == 0 {
		return fmt.Errorf("%s: basic_auth_users without web.roles: no password would be asked for. Give %s a role under web.roles in fettle.yml", now.Web.ConfigFile, users[0])
	}
	return nil
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
	now, _ := a.running()
	return now.Web.Socket
}

func (a *App) lastSeq() uint64 {
	if n := a.journal.Size(); n > 0 {
		return n - 1
	}
	return 0
}

// serve begins to answer, and has Stop end it.
func (a *App) serve() {
	ended := make(chan struct{}, len(a.servers))
	for i, srv := range a.servers {
		go func() {
			defer func() { ended <- struct{}{} }()
			var err error
			if i == 0 {
				err = a.door.Serve(srv, a.tcp)
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
