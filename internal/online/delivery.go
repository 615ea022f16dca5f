package online

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/alertmanager"
	"github.com/fettle-io/fettle/repair"
)

// TestAlert is the name of what is sent to see whether alerts arrive. With
// origin="fettle" no playbook is ever matched by it.
const TestAlert = "FettleTest"

// test is one test alert under way.
type test struct {
	*manager
	labels map[string]string
	nonce  string
	sent   time.Time
	actor  string // as whom it arrived; empty: it has not
	inMsg  string // the message that it came in
}

// delivery sends a test alert to each Alertmanager, and waits for it to arrive at the
// running server.
func (o Options) delivery(ctx context.Context, f *found, managers []manager) {
	state, err := o.Server.State(ctx)
	if err != nil {
		f.problem("server", "fettle serve", "start it, or say where it is with --server", "%v", o.Explain(err))
		return
	}
	if state.NotReady != "" {
		f.problem("server", "fettle serve", "fettle status says more", "it takes no messages: %s", state.NotReady)
		return
	}
	if state.Config.Digest != digestOf(o.Config.Digest) {
		f.warn("server", "fettle serve", "let it read it: systemctl reload fettle, or SIGHUP", "it runs with another configuration than the one that was checked")
	} else {
		f.ok("server", "fettle serve", "answers, and runs with this configuration")
	}
	if state.Config.Error != "" {
		f.problem("server", "fettle serve", "correct it, and reload", "its last reload was not taken: %s", state.Config.Error)
	}
	if len(managers) == 0 {
		return
	}
	tests := o.send(ctx, f, managers)
	o.await(ctx, tests, state.Journal.Records)
	for _, t := range tests {
		if t.actor == "" {
			f.problem("delivery", t.name, t.lookAt(), "a test alert sent to it did not arrive within %s: %s", o.Wait, t.goesTo(t.labels))
			continue
		}
		f.ok("delivery", t.name, "a test alert sent to it arrived%s, sent by %s", by(t.receiver), t.actor)
		t.over(ctx)
	}
}

func by(receiver string) string {
	if receiver == "" {
		return ""
	}
	return fmt.Sprintf(" by its receiver %q", receiver)
}

func digestOf(hex string) string {
	if hex == "" {
		return ""
	}
	return "sha256:" + hex
}

func (o Options) send(ctx context.Context, f *found, managers []manager) []*test {
	var tests []*test
	for i := range managers {
		t := &test{manager: &managers[i], nonce: o.Nonce(), sent: time.Now()}
		t.labels = map[string]string{"alertname": TestAlert, "origin": "fettle", "severity": "info", "tier": string(repair.P2), "nonce": t.nonce}
		if err := t.post(ctx, t.sent.Add(o.Wait+time.Minute)); err != nil {
			f.problem("delivery", t.name, "see its log", "it did not take a test alert: %v", err)
			continue
		}
		o.Await(fmt.Sprintf("a test alert sent to %s, for up to %s", t.name, o.Wait))
		tests = append(tests, t)
	}
	return tests
}

func (t *test) post(ctx context.Context, until time.Time) error {
	return t.client.Post(ctx, []alertmanager.Post{{
		Labels: t.labels, StartsAt: t.sent, EndsAt: until,
		Annotations: map[string]string{
			"summary":     "A test of fettle check --online: nothing is wrong.",
			"description": "It was sent to see whether alerts arrive at fettle, and ends by itself. The route that fettle init writes for " + TestAlert + " keeps it from people.",
		},
	}})
}

// over ends the test alert. One that this is not told of ends by itself.
func (t *test) over(ctx context.Context) {
	_ = t.post(ctx, time.Now()) //nolint:errcheck // see above
}

const (
	askEvery = 250 * time.Millisecond
	atOnce   = 1000 // records
)

// await reads the journal from a record on, until all have arrived or the time is over.
func (o Options) await(ctx context.Context, tests []*test, from uint64) {
	ctx, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		records, err := o.Server.Journal(ctx, from, atOnce)
		if err != nil && ctx.Err() != nil {
			return
		}
		for _, r := range records {
			from = r.Seq + 1
			switch r.Type {
			case repair.TypeReceived:
				arrived(tests, r.Data)
			case repair.TypeMessage:
				named(tests, r.Data)
			}
		}
		left := 0
		for _, t := range tests {
			if t.receiver == "" {
				left++
			}
		}
		if left == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func arrived(tests []*test, data []byte) {
	var r repair.Received
	if json.Unmarshal(data, &r) != nil || r.Labels["alertname"] != TestAlert {
		return
	}
	for _, t := range tests {
		if r.Labels["nonce"] == t.nonce {
			t.actor, t.inMsg = r.Actor, r.Message
		}
	}
}

// named learns the receiver from the message's own record, which follows.
func named(tests []*test, data []byte) {
	var m repair.MessageEnd
	if json.Unmarshal(data, &m) != nil {
		return
	}
	for _, t := range tests {
		if t.inMsg != "" && m.Message == t.inMsg {
			t.receiver = m.Receiver
		}
	}
}

// lookAt is what to look at when a test alert does not arrive.
func (t *test) lookAt() string {
	switch {
	case t.routes == nil:
	case len(t.routes.ends(t.labels)) > 0:
		for _, e := range t.routes.ends(t.labels) {
			if t.routes.hooks(e.receiver) {
				return fmt.Sprintf("the route is there, so look at receiver %s: its url (http://HOST:9774/api/v1/alertmanager, and is it this fettle?), its token (authorization.credentials_file has the bytes of the role webhook's token_file), group_wait and group_interval of its route; Alertmanager's log says what it was answered", e.receiver)
			}
		}
		return "no route leads it to a webhook: give the receiver fettle a route for alertname=\"FettleTest\", before all others, as fettle init writes it"
	}
	return "look at the routes (fettle init writes them), the receiver's url (http://HOST:9774/api/v1/alertmanager) and its token"
}
