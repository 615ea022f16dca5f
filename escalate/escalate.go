// Package escalate has people told: what the engine escalates becomes an alert, which
// is posted to every configured Alertmanager, again and again, until it is over.
//
// The engine decides what is told and for how long (docs/escalation.md). Here it gets
// its labels, which are the same each time, so that it stays one alert.
package escalate

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/internal/alertmanager"
	"github.com/fettle-io/fettle/repair"
)

// Alertname is the name of every alert that fettle itself sends.
const Alertname = "FettleEscalation"

// Origin is the value of the label origin: no playbook matches an alert that has it.
const Origin = "fettle"

// docs is where an alert's page is, unless fettle serves it itself.
const docs = "https://github.com/fettle-io/fettle/blob/main/docs/escalation.md"

// Alert is what an escalation is for Alertmanager. external is web.external_url, empty
// where there is none.
func Alert(e repair.Escalation, external string) alertmanager.Post {
	labels := map[string]string{
		"alertname": Alertname, "origin": Origin, "severity": severity(e.Tier), "tier": string(e.Tier), "reason": e.Reason,
	}
	if e.Cluster != "" {
		labels["cluster"] = e.Cluster
	}
	a := alertmanager.Post{
		Labels: labels, StartsAt: e.Since, EndsAt: e.Ends,
		Annotations: map[string]string{"summary": summary(e), "description": description(e), "runbook_url": docs},
	}
	if u, err := url.Parse(external); err == nil && u.Host != "" {
		a.GeneratorURL = u.String()
		a.Annotations["runbook_url"] = u.JoinPath("docs", "escalation").String()
	}
	return a
}

// severity follows the tiers: P0 wakes people.
func severity(t repair.Tier) string {
	if t == repair.P0 {
		return "critical"
	}
	return "warning"
}

func summary(e repair.Escalation) string {
	where := "of no cluster"
	switch {
	case e.Cluster != "":
		where = "of cluster " + e.Cluster
	case e.Reason == "storm":
		where = "of the whole inventory"
	}
	return fmt.Sprintf("fettle hands %s %s over to people: %s.", count(e.Episodes), where, words(e.Reason))
}

func count(episodes int) string {
	switch episodes {
	case 0:
		return "what is left"
	case 1:
		return "a fault"
	}
	return fmt.Sprintf("%d faults", episodes)
}

// words are a reason for people who never saw it.
func words(reason string) string {
	switch reason {
	case "deadline":
		return "not in order within its tier's time"
	case "approval":
		return "a person has to approve what would be done"
	case "failed":
		return "a repair was attempted and failed"
	case "unknown":
		return "it cannot be told whether a repair had its effect"
	case "still_active":
		return "its target is in order and its alert goes on"
	case "alertmanager":
		return "an Alertmanager does not answer"
	case "storm":
		return "so much fails at once that nothing is taken down"
	case "isolated":
		return "what a run took out of service is not back yet"
	}
	return "refused for a reason that only a person can change (" + reason + ")"
}

func description(e repair.Escalation) string {
	var b strings.Builder
	b.WriteString(clip(e.Detail))
	for _, s := range e.Sample {
		fmt.Fprintf(&b, "\n%s (episode %s): %s", or(s.Target, "no target"), s.Episode, or(clip(s.Answer), "no answer yet"))
	}
	if more := e.Episodes - len(e.Sample); more > 0 {
		fmt.Fprintf(&b, "\nand %d more: fettle episodes --open", more)
	}
	if len(e.Sample) > 0 {
		b.WriteString("\nfettle explain EPISODE says what was seen; fettle ack EPISODE ends this.")
	}
	return b.String()
}

// maxText bounds what is told of one episode, in bytes; `fettle explain` has the rest.
const maxText = 500

func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Options is what a Teller needs. All fields are needed.
type Options struct {
	// Managers are the Alertmanagers of the running configuration, and External is its
	// web.external_url.
	Managers func() (managers []*alertmanager.Client, external string)
	// Redact takes secrets out of a text that leaves this program.
	Redact  func(string) string
	Metrics prometheus.Registerer
	Log     *slog.Logger
}

// Teller posts.
type Teller struct {
	o        Options
	turn     sync.Mutex // a round that was slow must not undo the next one
	posts    prometheus.Counter
	failures *prometheus.CounterVec
}

// New makes a Teller and registers its metrics.
func New(o Options) *Teller {
	t := &Teller{
		o:        o,
		posts:    prometheus.NewCounter(prometheus.CounterOpts{Name: "fettle_escalation_posts_total", Help: "Posts of what people are told that an Alertmanager has taken."}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fettle_escalation_post_failures_total", Help: "Posts of what people are told that an Alertmanager has not taken, by reason."}, []string{"reason"}),
	}
	for _, reason := range alertmanager.Failures() {
		t.failures.WithLabelValues(reason)
	}
	o.Metrics.MustRegister(t.posts, t.failures)
	return t
}

// Tell posts to every Alertmanager at once: each of them has to know, for one alone may
// be the one that is gone. What one does not take is posted again with the next round.
func (t *Teller) Tell(ctx context.Context, all []repair.Escalation) {
	managers, external := t.o.Managers()
	posts := make([]alertmanager.Post, len(all))
	for i, e := range all {
		posts[i] = Alert(e, external)
		for name, text := range posts[i].Annotations {
			posts[i].Annotations[name] = t.o.Redact(text)
		}
	}
	t.turn.Lock()
	defer t.turn.Unlock()
	var done sync.WaitGroup
	for _, m := range managers {
		done.Go(func() {
			if err := m.Post(ctx, posts); err != nil {
				t.failures.WithLabelValues(alertmanager.Failure(err)).Inc()
				t.o.Log.Warn("people could not be told", "alertmanager", t.o.Redact(m.Name()), "err", t.o.Redact(err.Error()))
				return
			}
			t.posts.Inc()
		})
	}
	done.Wait()
}
