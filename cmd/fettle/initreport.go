package main

import (
	"cmp"
	"path/filepath"
	"strings"

	"github.com/fettle-io/fettle/internal/scaffold"
)

// next is what to do with the files.
func (c *initCommand) next(in scaffold.Inputs) []string {
	at, serve := func(name string) string { return filepath.Join(c.dir, name) }, "fettle serve --config.file="
	steps := []string{"read " + at("fettle.yml") + ", and fill in what it says to fill in"}
	check := "fettle check --config.file=" + at("fettle.yml") + " --exporter.config.file=" + at("exporter.yml")
	if in.Installed {
		theirs := "give the others their tokens (their users may have other names): sudo install -D -m 0600 -o prometheus " + at("webhook.token") + " /etc/alertmanager/fettle.token; sudo install -D -m 0600 -o prometheus " + at("metrics.token") + " /etc/prometheus/fettle.token"
		if in.Rules == "" {
			theirs += "; and the rules: sudo install -D -m 0644 -t /etc/prometheus/fettle " + at("rules") + "/*.rules.yml"
		}
		return append(steps, theirs,
			"merge "+at("prometheus-fettle.yml")+" and "+at("alertmanager-fettle.yml")+" into theirs, and reload both",
			"start both anew: sudo systemctl restart fettle fettle_exporter",
			"see whether it all fits together: sudo fettle check --online")
	}
	return append(steps,
		"merge "+at("prometheus-fettle.yml")+" and "+at("alertmanager-fettle.yml")+" into theirs, and reload both",
		"start both: fettle_exporter --config.file="+at("exporter.yml")+" and "+serve+at("fettle.yml"),
		"see whether it all fits together: "+check+" --online")
}

func (r initReport) print(in scaffold.Inputs, files []scaffold.File) error {
	for _, found := range in.Clusters {
		if err := say("found    cluster %s, ID %s, %s", found.Name, found.ID, plural(len(found.Members), "member")); err != nil {
			return err
		}
		for i, m := range found.Members {
			s := found.Seen[i]
			version := cmp.Or(s.Version, "no answer")
			if s.Learner {
				version += ", a learner"
			}
			if err := say("         %s at %s, %s", m.Name, m.Endpoint, version); err != nil {
				return err
			}
		}
	}
	for _, j := range r.Jobs {
		if err := say("scraped  job %s: %d of %s up%s", j.Name, j.Up, plural(j.Targets, "target"), looksLike(j.Is)); err != nil {
			return err
		}
	}
	for _, f := range r.Files {
		if err := say("%-8s %s: %s", f.Did, f.Path, f.Does); err != nil {
			return err
		}
	}
	for _, n := range r.Notes {
		if err := say("note     %s", n); err != nil {
			return err
		}
	}
	if err := toPaste(files); err != nil {
		return err
	}
	for i, n := range r.Next {
		if err := say("next %d   %s", i+1, n); err != nil {
			return err
		}
	}
	return nil
}

func looksLike(what string) string {
	if what == "" {
		return ""
	}
	return ", looks like " + what
}

// toPaste prints what others have to be told, as the files have it.
func toPaste(files []scaffold.File) error {
	for _, f := range files {
		if f.Merge == "" {
			continue
		}
		if err := say("--- into %s:", f.Merge); err != nil {
			return err
		}
		for line := range strings.Lines(string(f.Content)) {
			if err := say("%s", strings.TrimSuffix(line, "\n")); err != nil {
				return err
			}
		}
	}
	return say("---")
}
