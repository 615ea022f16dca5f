package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"

	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/online"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/repair"
)

// checkOnline looks at what runs, and tells as it goes.
func (c *checkCommand) checkOnline(ctx context.Context, r *report, conf config.Config, loaded []*repair.Playbook) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	prometheus, err := app.Transport("prometheus", conf.Prometheus.BasicAuth, conf.Prometheus.TokenFile, conf.Prometheus.TLS)
	if err != nil {
		return err
	}
	alertmanager, err := app.Transport("alertmanager", conf.Alertmanager.BasicAuth, conf.Alertmanager.TokenFile, conf.Alertmanager.TLS)
	if err != nil {
		return err
	}
	systemd := service.NewSystemd(service.SystemdOptions{})
	defer systemd.Close()
	o := online.Options{
		Config: conf, Playbooks: loaded, Prometheus: prometheus, Alertmanager: alertmanager,
		Services: service.Route{Commands: service.NewCommands(service.CommandsOptions{}), Systemd: systemd, Local: conf.Local},
		Server:   server.client, Explain: server.explained, Wait: c.wait, Nonce: rand.Text,
		Tell:  func(online.Finding) {},
		Await: func(says string) { fmt.Fprintln(os.Stderr, story.Clean("waiting for "+says)) },
	}
	if !c.output.json() {
		o.Tell = func(f online.Finding) {
			_ = say("%-8s %-13s %s: %s", f.State, f.Area, f.Where, f.Says) //nolint:errcheck // the last line tells
			if f.Do != "" {
				_ = say("%-8s %-13s %s", "", "", f.Do) //nolint:errcheck // likewise
			}
		}
	}
	r.Online, err = online.Check(ctx, o)
	if err != nil {
		return err
	}
	problems, warnings := 0, 0
	for _, f := range r.Online {
		switch f.State {
		case online.Problem:
			problems++
		case online.Warning:
			warnings++
		}
	}
	r.OK = r.OK && problems == 0
	if c.output.json() {
		return nil
	}
	if problems > 0 {
		fmt.Fprintf(os.Stderr, "fettle: %s and %s in what runs\n", plural(problems, "problem"), plural(warnings, "warning"))
		return nil
	}
	return say("ok: everything that runs was looked at, %s", plural(warnings, "warning"))
}
