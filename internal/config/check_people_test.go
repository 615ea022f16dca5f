package config

import (
	"strings"
	"testing"

	"github.com/fettle-io/fettle/repair"
)

func TestCheckApprovers(t *testing.T) {
	two := 2
	alice, bob := Role{Role: "operator", Name: "alice", TokenFile: "a"}, Role{Role: "operator", User: "bob"}
	for name, tt := range map[string]struct {
		set   func(*Config)
		roles []Role
		want  bool
	}{
		"one is enough":           {func(*Config) {}, []Role{alice}, false},
		"two, and one is known":   {func(c *Config) { c.Overrides.All.Approvers = &two }, []Role{alice, {Role: "viewer", Name: "bob"}}, true},
		"two for a playbook":      {func(c *Config) { c.Overrides.Playbooks = map[string]Override{"p": {Approvers: &two}} }, []Role{alice}, true},
		"two for a tier":          {func(c *Config) { c.Tiers = map[repair.Tier]Override{"P0": {Approvers: &two}} }, nil, true},
		"two are known":           {func(c *Config) { c.Overrides.All.Approvers = &two }, []Role{alice, bob}, false},
		"one with two of her own": {func(c *Config) { c.Overrides.All.Approvers = &two }, []Role{alice, {Role: "operator", Name: "alice", CertificateName: "alice.example"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := Default()
			c.Web.Roles = tt.roles
			tt.set(&c)
			if said := lines(Check(c, nil)); strings.Contains(said, "approvers is 2") != tt.want {
				t.Errorf("check says %q", said)
			}
		})
	}
}
