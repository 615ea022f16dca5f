package story

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Write prints a story for a terminal. Whatever came from outside is cleaned.
func Write(w io.Writer, s Story) error {
	p := &printer{}
	p.head(s)
	p.events(s)
	p.stages(s)
	p.refusals(s)
	p.next(s)
	_, err := w.Write(p.Bytes())
	return err
}

type printer struct{ bytes.Buffer }

// line prints one line; everything in it is cleaned.
func (p *printer) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(Clean(fmt.Sprintf(format, args...)), " "))
	p.WriteByte('\n')
}

func (p *printer) head(s Story) {
	title := s.Alert.Name
	if title == "" {
		title = s.Alert.Fingerprint
	}
	if s.Target != "" {
		title += " on " + s.Target
	}
	p.line("%s", title)
	p.line("%s", s.Says)
	p.line("")
	for _, row := range [][2]string{
		{"alert", labels(s.Alert.Labels)},
		{"fingerprint", s.Alert.Fingerprint},
		{"summary", s.Alert.Summary},
		{"firing since", stamp(s)},
		{"received", clock(s.Received)},
		{"episode", s.Episode},
		{"run", s.Run},
		{"playbook", playbook(s)},
	} {
		if row[1] != "" {
			p.line("  %-13s %s", row[0], row[1])
		}
	}
	if !s.Closed.IsZero() {
		p.line("  %-13s %s", "closed", clock(s.Closed))
	}
}

func stamp(s Story) string {
	if s.Alert.StartsAt.IsZero() {
		return ""
	}
	return clock(s.Alert.StartsAt)
}

func playbook(s Story) string {
	if s.Tier == "" {
		return s.Playbook
	}
	return s.Playbook + " (" + s.Tier + ")"
}

func labels(set map[string]string) string {
	if len(set) == 0 {
		return ""
	}
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(set)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k + `="` + strings.ReplaceAll(set[k], `"`, `\"`) + `"`)
	}
	return "{" + b.String() + "}"
}

func (p *printer) events(s Story) {
	p.line("")
	p.line("What happened, in seconds since it was received:")
	run := ""
	for _, e := range s.Events {
		if e.Run != "" && e.Run != run {
			run = e.Run
			p.line("            run %s", run)
		}
		p.line("%10.3f  %s", e.Seconds, e.Says)
		for _, d := range e.Details {
			p.line("%10s    %s", "", d)
		}
	}
}

// stages says where the time went, of what was begun.
func (p *printer) stages(s Story) {
	begun := slices.ContainsFunc(s.Stages, func(st Stage) bool { return st.Name == stageAct || st.Name == stageBoth || st.Name == stageVerify })
	if !begun {
		return
	}
	p.line("")
	p.line("Where the time went:")
	for _, st := range s.Stages {
		p.line("%10.3f  %s: %s", st.Seconds, st.Name, st.Says)
	}
	if budget := s.budget(); budget != "" {
		p.line("            %s", budget)
	}
}

func (p *printer) refusals(s Story) {
	if len(s.Refusals) == 0 {
		return
	}
	p.line("")
	p.line("Why nothing was done:")
	for _, r := range s.Refusals {
		what := r.Guard
		if r.Guard != r.Reason {
			what += ": " + r.Reason
		}
		p.line("  %s (%s; %s, first %s, last %s)", what, r.waits(), r.times(), clock(r.First), clock(r.Last))
		if r.Detail != "" {
			p.line("    %s", r.Detail)
		}
	}
}

// waits says whether a refusal is for time or for a person to end.
func (r Refusal) waits() string {
	if r.Passing {
		return "passes by itself"
	}
	return "waits for a person"
}

// times is how often it was the answer.
func (r Refusal) times() string {
	times := plural(r.Runs, "run")
	if r.Asked > r.Runs {
		times += fmt.Sprintf(", asked %d times", r.Asked)
	}
	return times
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *printer) next(s Story) {
	if len(s.Next) == 0 {
		return
	}
	p.line("")
	p.line("What is next:")
	for _, n := range s.Next {
		p.line("  - %s", n.Says)
		for line := range strings.Lines(n.Config) {
			p.line("      %s", strings.TrimSuffix(line, "\n"))
		}
		if n.Command != "" {
			p.line("      $ %s", n.Command)
		}
	}
}
