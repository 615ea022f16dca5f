package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// supervisor is systemd, where a unit of Type=notify started this process; else
// what is told to it goes nowhere.
type supervisor struct {
	log    *slog.Logger
	within time.Duration // the unit's WatchdogSec=; 0: no watchdog
}

func newSupervisor(log *slog.Logger) supervisor {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is not fed: its settings cannot be read", "err", err)
	}
	return supervisor{log, within}
}

// ready says that messages are taken, and on which address.
func (s supervisor) ready(address string) {
	s.say(daemon.SdNotifyReady + "\nSTATUS=takes messages on " + address)
}

// watchdog ticks three times in the time that the unit gives; without a watchdog
// never.
func (s supervisor) watchdog() (ticks <-chan time.Time, stop func()) {
	if s.within <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(s.within / 3)
	return t.C, t.Stop
}

// feed keeps the watchdog quiet, if answers does answer before the next tick.
func (s supervisor) feed(ctx context.Context, answers func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, s.within/3)
	defer cancel()
	if err := answers(ctx); err != nil {
		s.log.Warn("the engine does not answer, so systemd's watchdog is not fed", "err", err)
		return
	}
	s.say(daemon.SdNotifyWatchdog)
}

func (s supervisor) say(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd cannot be told", "state", state, "err", err)
	}
}
