package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/common/version"

	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/internal/config"
)

// serve is `fettle serve`.
type serve struct {
	file, listen, socket string
}

func registerServe(cli *kingpin.Application) map[string]command {
	s := &serve{}
	cmd := cli.Command("serve", "Receive Alertmanager's notifications and repair what they point at.").
		HelpLong("Without a configuration it observes only and listens on loopback: nothing is ever changed.\nSIGHUP or POST /-/reload reads the configuration again.\n\nExample:\n  fettle serve --config.file=/etc/fettle/fettle.yml")
	cmd.Flag("config.file", "The configuration. Without the flag: "+config.DefaultFile+", which may be missing.").PlaceHolder("FILE").StringVar(&s.file)
	cmd.Flag("web.listen-address", "Listen here instead of where web.listen says.").PlaceHolder("ADDRESS").StringVar(&s.listen)
	cmd.Flag("web.socket", "The unix socket of the command line, instead of what web.socket says.").PlaceHolder("PATH").StringVar(&s.socket)
	return map[string]command{"serve": s}
}

func (s *serve) run(ctx context.Context, log *slog.Logger) error {
	a, err := app.New(ctx, app.Options{
		ConfigFile: s.file, Listen: s.listen, Socket: s.socket, Version: version.Version, Log: log,
	})
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	a.Start()
	host := newSupervisor(log)
	host.ready(a.Addr())
	ticks, stop := host.watchdog()
	defer stop()
	for {
		select {
		case <-hup:
			host.say(daemon.SdNotifyReloading)
			_ = a.Reload(ctx) // it has said itself what is wrong, and the old configuration stays
			host.ready(a.Addr())
		case <-ticks:
			host.feed(ctx, a.Alive)
		case <-ctx.Done():
			host.say(daemon.SdNotifyStopping)
			log.Info("stopping")
			return a.Stop()
		}
	}
}
