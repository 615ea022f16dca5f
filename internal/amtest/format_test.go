//go:build servers

package amtest

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fettle-io/fettle/repair"
)

// max_alerts cuts off the same alerts in every message. They are fetched, and only
// from the Alertmanagers of the configuration: the address that the messages name
// is never asked.
func TestTruncated(t *testing.T) {
	t.Parallel()
	liar, asked := listener(t)
	w := newWard(t, 12, routing{groupBy: "alertname", maxAlerts: 1, external: "http://" + liar}, "")
	w.crash(t, "s1", "s2", "s3")
	faults := []fault{down("s1"), down("s2"), down("s3")}
	w.fire(faults...)
	w.settled(repair.Repaired, faults...)
	// The first message may come before all three are there; the next one has them.
	until(t, "a message was cut, and one named the liar", func() error {
		var cut, named bool
		for _, d := range w.deliveries() {
			cut = cut || len(d.body.Alerts) == 1 && d.body.Truncated == 2
			named = named || d.body.URL == "http://"+liar
		}
		if !cut || !named {
			return fmt.Errorf("%w: cut %t, named %t", errNotYet, cut, named)
		}
		return nil
	})
	w.once(faults...)
	fetched := 0
	for _, r := range of[repair.Received](t, w.story(), repair.TypeReceived) {
		if strings.HasPrefix(r.Actor, "alertmanager:") {
			fetched++
			if actor := strings.TrimPrefix(r.Actor, "alertmanager:"); actor != w.polls.urls[0] && actor != w.polls.urls[1] {
				t.Errorf("fetched from %s", actor)
			}
		}
	}
	if fetched != 2 {
		t.Errorf("%d alerts were fetched, want 2", fetched)
	}
	w.end(faults...)
	w.closed(3)
	if n := asked.Load(); n != 0 {
		t.Errorf("the address in the message was connected to %d times", n)
	}
}

// listener counts who connects.
func listener(t testing.TB) (address string, n *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	n = new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			_ = conn.Close()
		}
	}()
	return l.Addr().String(), n
}

// What newer versions send beside the old fields, and names of any kind.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWard(t, 2, routing{receiver: "team.x/repair+1"}, "")
	w.crash(t, "s1")
	f := down("s1")
	if atLeast(28) { // any UTF-8 is a label's name
		f.labels["größe.der Platte"] = "10 GiB \"\\\n{{ .Secrets }}"
	}
	w.fire(f)
	w.settled(repair.Repaired, f)
	received := w.received(w.story(), f)
	if len(received) != 1 || received[0].Labels["größe.der Platte"] != f.labels["größe.der Platte"] {
		t.Errorf("received %+v", received)
	}
	end := of[repair.MessageEnd](t, w.story(), repair.TypeMessage)[0]
	if want := `team\.x/repair\+1`; end.Receiver != want { // quoted as a regular expression, since ever
		t.Errorf("the receiver is %q, want %q", end.Receiver, want)
	}
	want := ""
	if atLeast(32) {
		want = "first notification"
	}
	if end.Reason != want {
		t.Errorf("the reason is %q, want %q", end.Reason, want)
	}
	w.end(f)
	w.closed(1)
	w.once(f)
}

// A receiver with a payload of its own is refused, counted and explained; versions
// before 0.32 know no such thing.
func TestPayloadOfItsOwn(t *testing.T) {
	t.Parallel()
	if !atLeast(32) {
		r := routing{}
		w := newWard(t, 1, r, "")
		f := down("s1")
		w.fire(f)
		w.settled(repair.Noop, f)
		return
	}
	w := newWard(t, 2, routing{more: "      payload: {text: '{{ .CommonLabels.alertname }} on {{ .CommonLabels.cluster }}'}\n"}, "")
	w.crash(t, "s1")
	w.fire(down("s1"))
	until(t, "it is refused and counted", func() error {
		if w.metric(`fettle_webhook_rejected_total{reason="version"}`) == 0 {
			return errNotYet
		}
		return nil
	})
	if said := w.server.said(); !strings.Contains(said, `reason=version`) || !strings.Contains(said, "is missing") {
		t.Errorf("fettle's log does not say what was refused, and why:\n%s", said)
	}
	until(t, "Alertmanager's own log says what is wrong with its configuration", func() error {
		if !strings.Contains(w.a.said()+w.b.said(), "a receiver for fettle has no `payload:`") {
			return errNotYet
		}
		return nil
	})
	if n := len(of[repair.Received](t, w.story(), repair.TypeReceived)); n != 0 {
		t.Errorf("%d alerts were received", n)
	}
	w.restartedOnce(t)
}

// atLeast tells whether the Alertmanager under test is 0.minor or newer.
func atLeast(minor int) bool {
	var major, got int
	_, err := fmt.Sscanf(alertmanager.Version, "%d.%d", &major, &got)
	return err == nil && (major > 0 || got >= minor)
}
