package cluster

import "time"

// Pacemaker is what is declared of a cluster of kind pacemaker beside its members.
type Pacemaker struct {
	// MaxAge is how old the file may be that crm_mon writes; 0 is 60s.
	MaxAge time.Duration `json:"max_age,omitempty"`
}
