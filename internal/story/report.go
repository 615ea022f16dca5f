package story

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

// Report writes a story as an incident report in Markdown: what, since when, what
// was seen, what was decided and why, the timeline, the time of each stage, and
// what remains. Whatever came from outside is cleaned, and escaped so that it is
// text and nothing else: no markup, no link, no cell or row of its own.
func Report(w io.Writer, s Story) error {
	r := &report{}
	r.head(s)
	r.seen(s)
	r.decided(s)
	r.timeline(s)
	r.stages(s)
	r.remains(s)
	r.proof(s)
	_, err := w.Write(r.Bytes())
	return err
}

type report struct{ bytes.Buffer }

// line writes one line; each argument is escaped.
func (r *report) line(format string, args ...string) {
	escaped := make([]any, len(args))
	for i, a := range args {
		escaped[i] = a
	}
	fmt.Fprintf(r, format+"\n", escaped...)
}

func (r *report) heading(text string) { r.line("\n## %s\n", text) }

func (r *report) head(s Story) {
	title := s.Alert.Name
	if title == "" {
		title = s.Alert.Fingerprint
	}
	if s.Target != "" {
		title += " on " + s.Target
	}
	r.line("# Incident: %s\n", escape(title))
	r.line("%s\n", escape(s.Says))
	r.line("| | |\n|---|---|")
	row := func(name, value string) {
		if value != "" {
			r.line("| %s | %s |", name, value)
		}
	}
	row("state", escape(s.State))
	row("alert", verbatim(labels(s.Alert.Labels)))
	row("fingerprint", verbatim(s.Alert.Fingerprint))
	row("summary", escape(s.Alert.Summary))
	row("firing since", stamp(s))
	if !s.Received.IsZero() {
		row("received", clock(s.Received))
	}
	row("episode", verbatim(s.Episode))
	row("run", verbatim(s.Run))
	row("playbook", escape(playbook(s)))
	if !s.Closed.IsZero() {
		row("closed", clock(s.Closed))
	}
}

// seen is what the looks said, each change once.
func (r *report) seen(s Story) {
	r.heading("What was seen")
	last := ""
	for _, e := range s.Events {
		for _, d := range e.Details {
			says, ok := strings.CutPrefix(d, "seen: ")
			if !ok || says == last {
				continue
			}
			last = says
			r.line("- %s: %s", clock(e.Time), escape(says))
		}
	}
	if last == "" {
		r.line("Nothing of the target is in the journal.")
	}
}

// decided is each decision with its reason.
func (r *report) decided(s Story) {
	r.heading("What was decided, and why")
	none := true
	for _, e := range s.Events {
		if !decision(e.Type) {
			continue
		}
		none = false
		r.line("- %s: %s", clock(e.Time), escape(e.Says))
		for _, d := range e.Details {
			if !strings.HasPrefix(d, "seen: ") {
				r.line("  - %s", escape(d))
			}
		}
	}
	if none {
		r.line("Nothing: %s", escape(s.Says))
	}
	if len(s.Refusals) == 0 {
		return
	}
	r.line("\nWhy nothing was done:\n\n| guard | reason | | times | first | last | |\n|---|---|---|---|---|---|---|")
	for _, f := range s.Refusals {
		r.line("| %s | %s | %s | %s | %s | %s | %s |", escape(f.Guard), escape(f.Reason), f.waits(), f.times(), clock(f.First), clock(f.Last), escape(f.Detail))
	}
}

// decision tells whether a record's type is one by which something was decided.
func decision(kind string) bool {
	switch kind {
	case repair.TypeReceived, repair.TypeMessage, repair.TypeStep, repair.TypeNoop, repair.TypeAnswered, repair.TypeRelapsed, "reboot":
		return false
	}
	return true
}

func (r *report) timeline(s Story) {
	r.heading("Timeline")
	r.line("| time (UTC) | seconds | record | |\n|---|---|---|---|")
	for _, e := range s.Events {
		r.line("| %s | %s | %s | %s |", clock(e.Time), fmt.Sprintf("%.3f", e.Seconds), fmt.Sprint(e.Seq), escape(e.Says))
	}
}

func (r *report) stages(s Story) {
	if len(s.Stages) == 0 {
		return
	}
	r.heading("Time of each stage")
	r.line("| stage | seconds | |\n|---|---|---|")
	for _, st := range s.Stages {
		r.line("| %s | %s | %s |", st.Name, fmt.Sprintf("%.3f", st.Seconds), escape(st.Says))
	}
	if budget := s.budget(); budget != "" {
		r.line("\n%s", budget)
	}
}

func (r *report) remains(s Story) {
	r.heading("What remains")
	if len(s.Next) == 0 {
		r.line("Nothing for fettle.")
	}
	for _, n := range s.Next {
		r.line("- %s", escape(n.Says))
		if n.Config != "" {
			r.fenced("yaml", n.Config)
		}
		if n.Command != "" {
			r.fenced("sh", n.Command+"\n")
		}
	}
}

// fenced writes a block within an item of a list, each line cleaned.
func (r *report) fenced(kind, text string) {
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	r.line("\n  %s%s", fence, kind)
	for line := range strings.Lines(text) {
		r.line("  %s", Clean(strings.TrimSuffix(line, "\n")))
	}
	r.line("  %s\n", fence)
}

// proof says where all this stands.
func (r *report) proof(s Story) {
	if len(s.Events) == 0 {
		return
	}
	r.heading("Where this stands")
	r.line("All of it was taken from records of the journal, by their numbers in the timeline. `fettle journal verify` shows that the journal is whole; `fettle journal prove SEQ` proves one record to somebody who has only the verifier key.")
}
