package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stage is the folder of one server under test: configuration, tokens, journal.
type stage struct {
	dir     string
	address string // where its server listens, once it serves
	tokens  map[string]string
}

// wants is how a stage differs from the others.
type wants struct {
	autonomy string // default: observe
	fleet    bool   // the inventory has the fleet, and there is a playbook for it
	// overrides are the engine's numbers that are set against the defaults.
	overrides string
}

func (s *stage) journal() string { return filepath.Join(s.dir, "journal") }
func (s *stage) key() string     { return filepath.Join(s.dir, "journal.key") }
func (s *stage) config() string  { return filepath.Join(s.dir, "fettle.yml") }

// roles each have a token of their own.
func roles() []string { return []string{"webhook", "metrics"} }

// newStage writes everything that a server reads, and creates its journal as a
// person does.
func (b *bench) newStage(ctx context.Context, name string, w wants) (*stage, error) {
	s := &stage{dir: filepath.Join(b.work, name), tokens: map[string]string{}}
	if err := os.MkdirAll(filepath.Join(s.dir, "playbooks"), 0o700); err != nil {
		return nil, err
	}
	var web strings.Builder
	for _, role := range roles() {
		s.tokens[role] = rand.Text()
		file := filepath.Join(s.dir, role+".token")
		if err := os.WriteFile(file, []byte(s.tokens[role]+"\n"), 0o600); err != nil {
			return nil, err
		}
		fmt.Fprintf(&web, "    - {role: %s, name: %s, token_file: %q}\n", role, role, file)
	}
	if w.autonomy == "" {
		w.autonomy = "observe"
	}
	text := fmt.Sprintf(`autonomy: {default: %s}
overrides: {all: {%s}}
journal: {dir: %q, key_file: %q}
brake: %q
web:
  listen: 127.0.0.1:0
  socket: ""
  roles:
%s`, w.autonomy, w.overrides, s.journal(), s.key(), filepath.Join(s.dir, "pause"), web.String())
	playbooks := filepath.Join(s.dir, "playbooks")
	if w.fleet {
		text += fmt.Sprintf("playbooks: {dir: %q, only: [bench]}\n", playbooks) + inventory()
		if err := os.WriteFile(filepath.Join(playbooks, "bench.yml"), []byte(playbook), 0o600); err != nil {
			return nil, err
		}
	} else {
		text += fmt.Sprintf("playbooks: {dir: %q}\n", playbooks)
	}
	if err := os.WriteFile(s.config(), []byte(text), 0o600); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, b.fettle, "journal", "init", s.journal(), "--key-file", s.key()).CombinedOutput() //nolint:gosec // the program under test
	if err != nil {
		return nil, fmt.Errorf("fettle journal init: %w: %s", err, out)
	}
	return s, nil
}

// playbook is for every alert that has matchedName; its action is the fake fleet's.
const playbook = `name: bench
version: 1
description: Restarts a target of the fake fleet.
on: ['alertname="` + matchedName + `"']
labels:
  cluster: {pattern: 'c[0-9]{3}'}
  member: {pattern: 'm[0-9]{3}'}
target: {kind: service, cluster: $cluster, member: $member}
tier: P0
autonomy: auto
steps:
  - {name: restart, action: fake-restart}
`

// inventory is the fleet, each target on a host of its own.
func inventory() string {
	var b strings.Builder
	b.WriteString("clusters:\n")
	for c := range clusters {
		fmt.Fprintf(&b, "  - name: c%03d\n    kind: service\n    members:\n", c)
		for m := range membersPerCluster {
			fmt.Fprintf(&b, "      - {name: m%03d, host: h%03d-%03d, unit: bench.service}\n", m, c, m)
		}
	}
	return b.String()
}
