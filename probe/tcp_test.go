package probe

import (
	"net"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/servertest"
)

func TestTCP(t *testing.T) {
	const short = 300 * time.Millisecond // where the end of time is what is waited for
	silent := func(conn net.Conn) { says("")(conn) }
	echoes := func(conn net.Conn) {
		text := make([]byte, 6)
		if n, err := conn.Read(text); err == nil {
			_, _ = conn.Write(append([]byte("you said "), text[:n]...))
		}
	}
	for name, tc := range map[string]struct {
		target string
		o      TCPOptions
		limit  time.Duration
		want   string
	}{
		"accepts":               {servertest.Listen(t, silent), TCPOptions{}, 0, ""},
		"nobody there":          {nobody(t), TCPOptions{}, 0, cluster.Refused},
		"no such name":          {"no-such-host.invalid:1", TCPOptions{}, 0, Unresolved},
		"greets":                {servertest.Listen(t, says("SSH-2.0-OpenSSH_9.2\r\n")), TCPOptions{Expect: `^SSH-2\.0-`}, 0, ""},
		"answers":               {servertest.Listen(t, echoes), TCPOptions{Send: "hello\n", Expect: "said hello"}, 0, ""},
		"says nothing":          {servertest.Listen(t, silent), TCPOptions{Expect: "."}, short, cluster.Timeout},
		"says something else":   {servertest.Listen(t, says("220 smtp")), TCPOptions{Expect: "^SSH"}, short, BadContent},
		"says it and goes":      {servertest.Listen(t, echoes), TCPOptions{Send: "hello\n", Expect: "goodbye"}, 0, BadContent},
		"goes without a word":   {servertest.Listen(t, func(net.Conn) {}), TCPOptions{Expect: "."}, 0, Closed},
		"says 100 MB":           {servertest.Listen(t, floods("")), TCPOptions{Expect: "y"}, 0, cluster.TooLarge},
		"one byte at a time":    {servertest.Listen(t, drips), TCPOptions{Expect: "y"}, short, BadContent},
		"one byte at a time, x": {servertest.Listen(t, drips), TCPOptions{Expect: "xxx"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			once(t, Probe{Kind: TCP, Target: tc.target, TCP: tc.o, Timeout: tc.limit}, tc.want)
		})
	}
}

func TestTCPOverTLS(t *testing.T) {
	ours, other := certtest.New(t, "ours"), certtest.New(t, "other")
	hello := func(valid time.Duration) string {
		return web(t, nil, certified(t, ours, valid)).Listener.Addr().String()
	}
	good := once(t, Probe{Kind: TCP, Target: hello(9 * time.Hour), TLS: cluster.TLS{CAFile: ours.File}}, "")
	if phases(good) != " connect tls" {
		t.Errorf("phases%s", phases(good))
	}
	expiresIn(t, good, 9*time.Hour)
	expiresIn(t, once(t, Probe{Kind: TCP, Target: hello(-time.Minute), TLS: cluster.TLS{CAFile: ours.File}}, cluster.BadTLS), -time.Minute)
	expiresIn(t, once(t, Probe{Kind: TCP, Target: hello(2 * time.Hour), TLS: cluster.TLS{CAFile: other.File}}, cluster.BadTLS), 2*time.Hour)
	expiresIn(t, once(t, Probe{Kind: TCP, Target: hello(3 * time.Hour), TLS: cluster.TLS{CAFile: ours.File, ServerName: "db"}}, cluster.BadTLS), 3*time.Hour)
	// What is no TLS at all has no certificate.
	for name, talk := range map[string]func(net.Conn){"greets": says("SSH-2.0-OpenSSH_9.2\r\n"), "goes": func(net.Conn) {}} {
		got := once(t, Probe{Kind: TCP, Target: servertest.Listen(t, talk), TLS: cluster.TLS{Enabled: true}}, cluster.BadTLS)
		if !got.Expires.IsZero() {
			t.Errorf("%s: expires at %s", name, got.Expires)
		}
	}
	once(t, Probe{Kind: TCP, Target: servertest.Listen(t, says("")), TLS: cluster.TLS{Enabled: true}, Timeout: 300 * time.Millisecond}, cluster.Timeout)
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	for name, p := range map[string]Probe{
		"kind":    {Kind: "ssh", Target: "a:1"},
		"CA":      {Kind: TCP, Target: "a:1", TLS: cluster.TLS{CAFile: file(t, "no certificate")}},
		"pattern": {Kind: TCP, Target: "a:1", TCP: TCPOptions{Expect: "("}},
		"target":  {Kind: HTTP, Target: "http://a b/"},
	} {
		if made, err := New(p); err == nil {
			t.Errorf("%s: made %+v", name, made)
		}
	}
}

func TestEndsWithItsCaller(t *testing.T) {
	for _, p := range []Probe{
		{Kind: TCP, Target: nobody(t)},
		{Kind: HTTP, Target: "http://" + nobody(t)},
		{Kind: GRPC, Target: nobody(t)},
		{Kind: DNS, Target: nobody(t), DNS: DNSOptions{Name: "a"}},
	} {
		made, err := New(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := made.Do(endedContext(t)); got.Reason != cluster.Timeout && got.Reason != cluster.Refused {
			t.Errorf("%s: %s (%s)", p.Kind, got.Reason, got.Why)
		}
	}
}
