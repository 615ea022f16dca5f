package api

import (
	"time"

	"github.com/gin-gonic/gin"
)

// Playbook is one playbook of the running configuration.
type Playbook struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// On are the matchers that select it; Kind the kind of target that it is for.
	On   []string `json:"on"`
	Kind string   `json:"kind"`
	Tier string   `json:"tier"`
	// Ceiling is the most autonomy that it may have: observe, approve or auto.
	Ceiling string         `json:"ceiling"`
	Steps   []PlaybookStep `json:"steps"`
	// Digest is the SHA-256 of its file, hex; Source where it stands.
	Digest string `json:"digest"`
	Source string `json:"source"`
	// Clusters are those of its kind, each with what holds there.
	Clusters []PlaybookCluster `json:"clusters"`
}

// PlaybookStep is one step as the playbook has it.
type PlaybookStep struct {
	Name   string `json:"name"`
	Action string `json:"action"`
	Once   bool   `json:"once,omitempty"`
}

// PlaybookCluster is what holds for a playbook on one cluster.
type PlaybookCluster struct {
	Cluster string `json:"cluster"`
	// Autonomy is what is set there, the ceiling considered.
	Autonomy string `json:"autonomy"`
	// DeadlineSeconds is in what time after it was received a repair has to be
	// verified.
	DeadlineSeconds float64 `json:"deadline_seconds"`
}

// Deadline is that of a playbook on a cluster; false: there is no such one.
func (p Playbook) Deadline(cluster string) (time.Duration, bool) {
	for _, c := range p.Clusters {
		if c.Cluster == cluster {
			return time.Duration(c.DeadlineSeconds * float64(time.Second)), true
		}
	}
	return 0, false
}

// Guard is one guard, in the order in which they are asked.
type Guard struct {
	Name string `json:"name"`
	// Asks says when it refuses.
	Asks    string        `json:"asks"`
	Reasons []GuardReason `json:"reasons"`
	// Settings are those of the running configuration that it goes by.
	Settings []GuardSetting `json:"settings"`
}

// GuardReason is why a guard refuses.
type GuardReason struct {
	Reason string `json:"reason"`
	When   string `json:"when"`
	// Passing ones are asked again by themselves, the others wait for a person.
	Passing bool `json:"passing"`
}

// GuardSetting is a key of fettle.yml with its value; Where says for what it holds,
// empty: wherever nothing else is said.
type GuardSetting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Where string `json:"where,omitempty"`
}

type (
	playbookList struct {
		Playbooks []Playbook `json:"playbooks"`
	}
	guardList struct {
		Guards []Guard `json:"guards"`
	}
)

func (a *API) playbooks(c *gin.Context) {
	if _, err := query(c); err != nil {
		a.fail(c, err)
		return
	}
	all, err := a.o.Backend.Playbooks(c.Request.Context())
	a.answer(c, playbookList{all}, err)
}

func (a *API) guards(c *gin.Context) {
	if _, err := query(c); err != nil {
		a.fail(c, err)
		return
	}
	all, err := a.o.Backend.Guards(c.Request.Context())
	a.answer(c, guardList{all}, err)
}
