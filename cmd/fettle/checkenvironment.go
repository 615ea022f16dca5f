package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/online"
	"github.com/fettle-io/fettle/repair"
)

// environment is what a check was about, so that two machines, or two days, can be
// compared.
type environment struct {
	Clusters []surveyed `json:"clusters"`
	Digests  digests    `json:"digests"`
}

// surveyed is one cluster.
type surveyed struct {
	Name      string           `json:"name"`
	Kind      cluster.Kind     `json:"kind"`
	DependsOn []string         `json:"depends_on,omitempty"`
	Digest    string           `json:"digest"` // of its entry
	Members   []surveyedMember `json:"members"`
}

type surveyedMember struct {
	Name string `json:"name"`
	Host string `json:"host"`
	// Version is what it says itself, and Support what is known of that: with --online.
	Version string         `json:"version,omitempty"`
	Support config.Support `json:"support,omitempty"`
}

// digests are the SHA-256 of what was checked, in hexadecimal digits.
type digests struct {
	Config    string            `json:"config,omitempty"` // absent: the defaults
	Exporter  string            `json:"exporter,omitempty"`
	Playbooks map[string]string `json:"playbooks"`
	Rules     map[string]string `json:"rules"` // by file
}

func newEnvironment() *environment {
	return &environment{Clusters: []surveyed{}, Digests: digests{Playbooks: map[string]string{}, Rules: map[string]string{}}}
}

func (e *environment) config(conf config.Config) {
	e.Digests.Config = conf.Digest
	for _, c := range conf.Clusters {
		s := surveyed{Name: c.Name, Kind: c.Kind, DependsOn: c.DependsOn, Digest: c.Digest(), Members: []surveyedMember{}}
		for _, m := range c.Members {
			s.Members = append(s.Members, surveyedMember{Name: m.Name, Host: m.Host})
		}
		e.Clusters = append(e.Clusters, s)
	}
}

func (e *environment) playbooks(loaded []*repair.Playbook) {
	for _, p := range loaded {
		e.Digests.Playbooks[p.Name] = p.Digest
	}
}

// rules notes a rule file.
func (e *environment) rules(file string, content []byte) { e.Digests.Rules[file] = sum(content) }

// ask asks the members which versions they are.
func (e *environment) ask(ctx context.Context, conf config.Config) {
	versions := online.Versions(ctx, conf.Clusters)
	for i, c := range e.Clusters {
		for j, m := range c.Members {
			if v := versions[c.Name+"/"+m.Name]; v != "" {
				e.Clusters[i].Members[j].Version, e.Clusters[i].Members[j].Support = v, conf.Guards.Support(c.Kind, v)
			}
		}
	}
}

func sum(content []byte) string {
	s := sha256.Sum256(content)
	return hex.EncodeToString(s[:])
}
