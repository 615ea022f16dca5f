package guard

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// OnPurpose refuses what somebody wanted: a service stopped, masked or disabled,
// its host shutting down, a package manager at work, an alert silenced.
func OnPurpose() repair.Guard {
	return repair.Guard{Name: "on-purpose", Ask: func(q repair.Question) repair.Verdict {
		s, none := sight(q)
		if none != nil {
			return *none
		}
		if s.Service.State == cluster.ServiceStopped {
			reason := s.Service.Purpose
			if reason == "" {
				reason = "stopped"
			}
			return repair.Refuse(reason, "its service manager says it is down on purpose ("+reason+"): start it by hand, and fettle goes on")
		}
		if q.Silenced {
			return repair.Refuse("silenced", "its alert is silenced in Alertmanager: somebody is at it")
		}
		return repair.Go()
	}}
}
