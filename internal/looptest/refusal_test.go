package looptest

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Each refusal: no mutation, and the reason in the journal, the API, `fettle
// explain` and the metric. What was refused for a time is taken up by itself when
// that time is over, without another message.
func TestRefusals(t *testing.T) {
	t.Parallel()
	all := newWard(t, "m1", "m2", "m3")
	run := func(name string, o options, test func(w *ward)) {
		t.Run(name, func(t *testing.T) { test(all.sub(t, o)) })
	}
	// refusedThen: m2 is killed, refused, left alone; passes is then called, and it is repaired.
	refusedThen := func(w *ward, guard, reason string, passes func()) {
		w.Helper()
		w.crash("m2")
		w.send(down("m2"))
		w.refused("m2", guard, reason)
		w.quiet(2 * time.Second) // two looks
		passes()
		w.repaired("m2")
		w.startedOnce("m2")
	}
	run("paused by command", options{}, func(w *ward) {
		w.start()
		w.cli("pause", "--reason=moving disks", "--server=unix://"+w.socket)
		refusedThen(w, "pause", "paused", func() { w.cli("unpause", "--server=unix://"+w.socket) })
	})
	run("paused by the API", options{}, func(w *ward) {
		w.start()
		p, err := w.api.Pause(w.Context(), api.Pause{Cluster: "demo", Reason: "moving disks"})
		must(w, err)
		if p.By != "alice" {
			w.Errorf("paused by %s", p.By)
		}
		refusedThen(w, "pause", "paused", func() { must(w, w.api.Unpause(w.Context(), p.ID, "")) })
	})
	run("paused by the brake file", options{}, func(w *ward) {
		must(w, os.WriteFile(w.brake(), nil, 0o600))
		w.start()
		refusedThen(w, "pause", "brake", func() { must(w, os.Remove(w.brake())) })
	})
	run("stopped on purpose", options{}, func(w *ward) {
		w.start()
		w.stop("m2")
		w.send(down("m2"))
		w.refused("m2", "on-purpose", "stopped")
		w.quiet(2 * time.Second)
	})
	run("known-bad version, a range around the running one", options{more: `guards: {version: {known_bad: {etcd: ["3.0.0-3.99.99"]}}}`}, func(w *ward) {
		w.start()
		w.crash("m2")
		w.send(down("m2"))
		w.refused("m2", "version", "known-bad")
		w.quiet(2 * time.Second)
	})
	run("autonomy approve", options{autonomy: "approve"}, func(w *ward) {
		w.start()
		w.crash("m2")
		w.send(down("m2"))
		w.refused("m2", "autonomy", "approval")
		w.quiet(2 * time.Second)
	})
	run("cooldown", options{}, func(w *ward) {
		w.start()
		w.crash("m2")
		w.send(down("m2"))
		w.repaired("m2")
		w.send(down("m2").over())
		w.await("the episode is closed", func(st story) bool { return st.count(repair.TypeClosed) == 1 })
		w.crash("m2")
		w.send(down("m2"))
		w.refused("m2", "cooldown", "cooldown")
		w.startedOnce("m2")
	})
	run("attempts used up", options{settings: "cooldown: 0"}, (*ward).attemptsUsedUp)
	run("another mutation in flight", options{}, (*ward).anotherInFlight)
}

// attemptsUsedUp: a member whose start never holds is tried three times, and again
// only when a person says so.
func (w *ward) attemptsUsedUp() {
	w.start()
	w.with("m2", func(p *patient) { p.broken = true })
	w.crash("m2")
	w.send(down("m2"))
	r := w.refused("m2", "attempts", "attempts")
	if n := w.starts("m2"); n != 3 {
		w.Errorf("%d starts, want three", n)
	}
	w.with("m2", func(p *patient) { p.broken = false })
	if text := w.explain(r.Episode); !strings.Contains(text, "fettle release "+r.Episode) {
		w.Errorf("explain does not say how to go on:\n%s", text)
	}
	before := w.metric(`fettle_guard_refusals_total{guard="attempts",reason="attempts"}`)
	until(w, "it was asked again", func() error {
		if w.metric(`fettle_guard_refusals_total{guard="attempts",reason="attempts"}`) < before+2 {
			return errNotYet
		}
		return nil
	})
	if n := w.starts("m2"); n != 3 {
		w.Errorf("%d starts while the circuit is open, want three", n)
	}
	w.cli("release", r.Episode, "--server=unix://"+w.socket)
	w.repaired("m2")
	if n := w.starts("m2"); n != 4 {
		w.Errorf("%d starts in all, want four", n)
	}
}

// anotherInFlight: while m2 is being started, m3 waits.
func (w *ward) anotherInFlight() {
	w.start()
	w.crash("m2")
	release := w.slowStarts()
	w.send(down("m2"))
	w.await("m2's intent", func(st story) bool { return st.count(repair.TypeIntent) == 1 })
	w.crash("m3")
	w.send(down("m3"))
	w.refused("m3", "concurrency", "concurrency")
	w.quiet(2 * time.Second)
	release()
	w.allVerified("m2", "m3")
	w.startedOnce("m2", "m3")
}

// A hung voter while another voter is down: the hung one is not taken away. With
// both alerts the dead one is started, and then the hung one ended and started.
func TestQuorumGuardHoldsUntilTheDeadOneIsBack(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.seenServing()
	w.crash("m2")
	w.hang("m3")
	w.send(down("m3"))
	w.refused("m3", "quorum", "no-leader")
	w.quiet(2 * time.Second)
	w.send(down("m2"))
	w.allVerified("m2", "m3")
	w.startedOnce("m2", "m3")
	st := w.story()
	var order []string
	for _, in := range of[repair.IntentData](t, st, repair.TypeIntent) {
		order = append(order, in.TargetName+" "+in.Action)
	}
	if got, want := strings.Join(order, ", "), "demo/m2 member-start, demo/m3 member-end-hung, demo/m3 member-start"; got != want {
		t.Errorf("intents: %s\nwant: %s", got, want)
	}
}

// fettle alone is cut off from a member that its peers go on hearing. (The same
// with a real partition between hosts: partition_test.go.)
func TestVantagePointsDisagree(t *testing.T) {
	t.Parallel()
	ward := newWard(t, "m1", "m2", "m3")
	inventory := ward.inventory("demo")
	var cuts []*tcpProxy
	for i, m := range inventory.Members {
		if m.Name == "m2" {
			client, peer := proxyTo(t, m.Endpoint), proxyTo(t, m.Peer)
			inventory.Members[i].Endpoint, inventory.Members[i].Peer = client.url, peer.url
			cuts = append(cuts, client, peer)
		}
	}
	w := ward.sub(t, options{clusters: []cluster.Cluster{inventory}})
	w.start()
	w.seenServing()
	for _, c := range cuts {
		c.cut()
	}
	w.send(down("m2"))
	w.refused("m2", "vantage", "disagree")
	w.quiet(2 * time.Second)
	for _, c := range cuts {
		c.heal()
	}
	w.send(down("m2").over())
	st := w.await("the episode is closed", func(st story) bool { return st.count(repair.TypeClosed) == 2 })
	if c := of[repair.ClosedData](t, st, repair.TypeClosed)[1]; c.Reason != "recovered_by_itself" || c.Mutated {
		t.Errorf("closed %+v", c)
	}
}

// tcpProxy passes connections on, until it is cut: then it refuses them.
type tcpProxy struct {
	url, to string
	mu      sync.Mutex
	down    bool
	open    []net.Conn
}

func proxyTo(t *testing.T, target string) *tcpProxy {
	t.Helper()
	u, err := url.Parse(target)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	p := &tcpProxy{url: fmt.Sprintf("http://%s", l.Addr()), to: u.Host}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(conn)
		}
	}()
	return p
}

func (p *tcpProxy) pass(in net.Conn) {
	defer in.Close()
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return
	}
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		p.mu.Unlock()
		return
	}
	p.open = append(p.open, in, out)
	p.mu.Unlock()
	defer out.Close()
	go func() {
		_, _ = io.Copy(out, in)
		out.Close()
	}()
	_, _ = io.Copy(in, out)
}

func (p *tcpProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for _, c := range p.open {
		c.Close()
	}
	p.open = nil
}

func (p *tcpProxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}
