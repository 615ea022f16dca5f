//go:build servers && linux

package action

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/internal/systemdtest"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

func TestServiceRestartUnderSystemd(t *testing.T) {
	host := systemdtest.Start(t, map[string]string{
		"web.service": "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=default.target\n",
	}, nil)
	systemd := service.NewSystemd(service.SystemdOptions{Address: host.Address})
	defer systemd.Close()
	clock, err := journal.SystemClock()
	check(t, err)
	deps := Deps{Services: service.Route{Systemd: systemd, Local: func(string) bool { return true }}, Clock: clock}
	action := Table(deps)["service-restart"].Action
	member := cluster.Member{Name: "web", Host: "here", Unit: "web.service"}
	target := cluster.Target{Cluster: cluster.Cluster{Name: "web", Kind: cluster.KindService}, Member: member}
	look := func() (repair.Observation, cluster.Sight) {
		t.Helper()
		s, err := action.Observe(t.Context(), target)
		check(t, err)
		return s.Observation, s.Facts.Sights[0]
	}
	until := func(what string, ok func(repair.Observation, cluster.Sight) bool) repair.Observation {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			o, s := look()
			if ok(o, s) {
				return o
			}
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain until %s: %+v", what, s)
			}
		}
	}
	restart := func(before repair.Observation) {
		t.Helper()
		now := clock()
		check(t, action.Apply(t.Context(), repair.Intent{Target: target, Before: before, NotAfterBoot: now.Boot, NotAfterSince: now.Since + time.Second}))
		until("it is restarted", func(o repair.Observation, _ cluster.Sight) bool { return action.Done(&before, o) })
	}

	_, err = host.Systemctl("enable", "web")
	check(t, err)
	dead, _ := look()
	if action.Done(nil, dead) {
		t.Error("never started, and in order")
	}
	restart(dead)
	up, sight := look()
	if !action.Done(nil, up) || action.Done(&up, up) || !sight.Alive {
		t.Errorf("running: %s", up.Says)
	}
	restart(up)
	_, err = host.Systemctl("kill", "--signal=KILL", "web")
	check(t, err)
	restart(until("it is dead", func(_ repair.Observation, s cluster.Sight) bool { return s.Service.State == cluster.ServiceDead }))
}
