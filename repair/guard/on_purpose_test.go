package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestOnPurpose(t *testing.T) {
	stopped := func(purpose string) change {
		return sightOf(0, func(s *cluster.Sight) {
			s.Service = cluster.Service{State: cluster.ServiceStopped, Purpose: purpose}
		})
	}
	silenced := func(q *repair.Question) { q.Silenced = true }
	is := func(st cluster.ServiceState) change {
		return sightOf(0, func(s *cluster.Sight) { s.Service.State = st })
	}
	check(t, guard.OnPurpose(), []tc{
		{name: "dead, and nobody wanted it"},
		{name: "running", with: []change{is(cluster.ServiceRunning)}},
		{name: "not to be told", with: []change{is(cluster.ServiceUnknown)}},
		{name: "about to be started by its manager", with: []change{is(cluster.ServiceAutoRestart)}},
		{name: "stopped by a person", with: []change{stopped("stopped")}, want: "stopped", says: "start it by hand"},
		{name: "stopped, and not said why", with: []change{stopped("")}, want: "stopped"},
		{name: "masked", with: []change{stopped("masked")}, want: "masked"},
		{name: "disabled", with: []change{stopped("disabled")}, want: "disabled"},
		{name: "its host shuts down", with: []change{stopped("shutdown")}, want: "shutdown"},
		{name: "packages are being installed", with: []change{stopped("package-manager")}, want: "package-manager"},
		{name: "silenced in Alertmanager", with: []change{silenced}, want: "silenced"},
		{name: "stopped and silenced: the target itself comes first", with: []change{stopped("masked"), silenced}, want: "masked"},
		{name: "another member stopped on purpose is none of this one's", with: []change{sightOf(1, func(s *cluster.Sight) {
			s.Service = cluster.Service{State: cluster.ServiceStopped, Purpose: "stopped"}
		})}},
		{name: "the target was not seen", with: []change{noSight}, want: "no-sight"},
		{name: "the same for a unit", with: []change{service, stopped("masked")}, want: "masked"},
	})
}
