package app

import (
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/service"
)

// executor runs the commands that playbooks declare: as transient units where systemd
// runs this host, and without their sandbox there only where the configuration says so;
// else in process groups, which end with fettle.
func (a *App) executor() service.Executor {
	how := a.cfg.Playbooks.Executor
	if how == config.Units || how == "" && service.Booted() {
		units := service.NewTransient(a.parts.systemd)
		a.onStop = append(a.onStop, func() error { units.Close(); return nil })
		return units
	}
	groups := service.NewGroups()
	a.onStop = append(a.onStop, func() error { groups.Close(); return nil })
	return groups
}
