package probe

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

// zone is a small name server, UDP and TCP on one port.
func zone(t *testing.T, reply func(query dnsmessage.Message, tcp bool) []dnsmessage.Message) string {
	t.Helper()
	pack := func(m dnsmessage.Message) []byte {
		text, err := m.Pack()
		if err != nil {
			t.Errorf("pack: %v", err)
		}
		return text
	}
	address := servertest.Listen(t, func(conn net.Conn) {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint16(length[:]))
		var query dnsmessage.Message
		if _, err := io.ReadFull(conn, text); err != nil || query.Unpack(text) != nil {
			return
		}
		for _, m := range reply(query, true) {
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(pack(m)))), pack(m)...))
		}
	})
	u, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = u.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		text := make([]byte, 64<<10)
		for {
			n, from, err := u.ReadFrom(text)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(text[:n]) == nil {
				for _, m := range reply(query, false) {
					_, _ = u.WriteTo(pack(m), from)
				}
			}
		}
	}()
	return address
}

// to is an answer to query with these bodies.
func to(query dnsmessage.Message, code dnsmessage.RCode, bodies ...dnsmessage.ResourceBody) dnsmessage.Message {
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RCode: code}, Questions: query.Questions}
	for _, b := range bodies {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: query.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 5}, Body: b,
		})
	}
	return m
}

func TestDNS(t *testing.T) {
	const short = 300 * time.Millisecond
	ns := zone(t, func(q dnsmessage.Message, tcp bool) []dnsmessage.Message {
		a := func(last byte) dnsmessage.ResourceBody { return &dnsmessage.AResource{A: [4]byte{10, 0, 0, last}} }
		switch q.Questions[0].Name.String() {
		case "one.test.":
			return []dnsmessage.Message{to(q, dnsmessage.RCodeSuccess, a(1))}
		case "two.test.":
			return []dnsmessage.Message{to(q, dnsmessage.RCodeSuccess, a(2), &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("x.test.")}, a(1))}
		case "empty.test.":
			return []dnsmessage.Message{to(q, dnsmessage.RCodeSuccess)}
		case "broken.test.":
			return []dnsmessage.Message{to(q, dnsmessage.RCodeServerFailure)}
		case "curt.test.": // it repeats no question
			m := to(q, dnsmessage.RCodeRefused)
			m.Questions = nil
			return []dnsmessage.Message{m}
		case "srv.test.":
			return []dnsmessage.Message{to(q, dnsmessage.RCodeSuccess, &dnsmessage.SRVResource{Priority: 1, Weight: 2, Port: 389, Target: dnsmessage.MustNewName("LDAP.test.")})}
		case "txt.test.":
			return []dnsmessage.Message{to(q, dnsmessage.RCodeSuccess, &dnsmessage.TXTResource{TXT: []string{"v=spf1 ", "-all"}})}
		case "large.test.":
			m := to(q, dnsmessage.RCodeSuccess, a(1))
			if !tcp {
				m.Truncated, m.Answers = true, nil
			}
			return []dnsmessage.Message{m}
		case "spoofed.test.": // others answer first
			id, name := to(q, dnsmessage.RCodeSuccess, a(66)), to(q, dnsmessage.RCodeSuccess, a(66))
			id.ID++
			name.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("evil.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}
			return []dnsmessage.Message{id, name, to(q, dnsmessage.RCodeSuccess, a(1))}
		case "silent.test.":
			return nil
		}
		return []dnsmessage.Message{to(q, dnsmessage.RCodeNameError)}
	})
	for name, tc := range map[string]struct {
		o       DNSOptions
		limit   time.Duration
		want    string
		records int
	}{
		"there":                     {DNSOptions{Name: "one.test"}, 0, "", 1},
		"as wanted":                 {DNSOptions{Name: "one.test.", Want: []string{"10.0.0.1"}}, 0, "", 1},
		"other than wanted":         {DNSOptions{Name: "one.test", Want: []string{"10.0.0.2"}}, 0, BadContent, 1},
		"two, in any order":         {DNSOptions{Name: "two.test", Want: []string{"10.0.0.1", "10.0.0.2"}}, 0, "", 2},
		"one too many":              {DNSOptions{Name: "two.test", Want: []string{"10.0.0.1"}}, 0, BadContent, 2},
		"one missing":               {DNSOptions{Name: "one.test", Want: []string{"10.0.0.1", "10.0.0.2"}}, 0, BadContent, 1},
		"no record":                 {DNSOptions{Name: "empty.test"}, 0, BadContent, 0},
		"no such name":              {DNSOptions{Name: "none.test"}, 0, BadStatus, 0},
		"no such name, as wanted":   {DNSOptions{Name: "none.test", NXDomain: true}, 0, "", 0},
		"a name that must not be":   {DNSOptions{Name: "one.test", NXDomain: true}, 0, BadContent, 1},
		"the server fails":          {DNSOptions{Name: "broken.test"}, 0, BadStatus, -1},
		"that is not NXDOMAIN":      {DNSOptions{Name: "broken.test", NXDomain: true}, 0, BadStatus, -1},
		"the server refuses":        {DNSOptions{Name: "curt.test"}, 0, BadStatus, -1},
		"SRV":                       {DNSOptions{Name: "srv.test", Type: "SRV", Want: []string{"1 2 389  ldap.test."}}, 0, "", 1},
		"TXT":                       {DNSOptions{Name: "txt.test", Type: "TXT", Want: []string{"v=spf1 -all"}}, 0, "", 1},
		"truncated, whole over TCP": {DNSOptions{Name: "large.test"}, 0, "", 1},
		"over TCP":                  {DNSOptions{Name: "one.test", TCP: true}, 0, "", 1},
		"others answer first":       {DNSOptions{Name: "spoofed.test", Want: []string{"10.0.0.1"}}, 0, "", 1},
		"others answer, over TCP":   {DNSOptions{Name: "spoofed.test", TCP: true}, 0, cluster.BadProtocol, -1},
		"silent":                    {DNSOptions{Name: "silent.test"}, short, cluster.Timeout, -1},
		"silent, over TCP":          {DNSOptions{Name: "silent.test", TCP: true}, 0, Closed, -1},
		"a name that is none":       {DNSOptions{Name: "a..test"}, 0, cluster.Other, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := once(t, Probe{Kind: DNS, Target: ns, DNS: tc.o, Timeout: tc.limit}, tc.want)
			if got.Records != tc.records {
				t.Errorf("%d records, want %d (%s)", got.Records, tc.records, got.Why)
			}
			if len(got.Answers) != max(0, got.Records) {
				t.Errorf("%d records: %q", got.Records, got.Answers)
			}
		})
	}
	once(t, Probe{Kind: DNS, Target: nobody(t), DNS: DNSOptions{Name: "a.test"}}, cluster.Refused)
	once(t, Probe{Kind: DNS, Target: servertest.Listen(t, says("\x00\x04nope")), DNS: DNSOptions{Name: "a.test", TCP: true}}, cluster.BadProtocol)
}

// Whatever comes in is understood or refused, and never more than it has.
func FuzzParse(f *testing.F) {
	q := dnsmessage.Question{Name: dnsmessage.MustNewName("a.test."), Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}
	good := to(dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{q}}, dnsmessage.RCodeSuccess, &dnsmessage.TXTResource{TXT: []string{"x"}})
	text, err := good.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-1])
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ours, err := parse(text, 7, q)
		if !ours && err == nil || (got != nil) != (err == nil) || err == nil && len(got.records)*11 > len(text) {
			t.Errorf("%+v, %v, %v of %d bytes", got, ours, err, len(text))
		}
	})
}
