package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// between two packets of one probe.
const betweenPackets = 100 * time.Millisecond

// askICMP sends echo requests and counts the replies.
func askICMP(ctx context.Context, p *Prober, a *attempt) error {
	to, err := resolve(ctx, p.network("ip"), p.Target, a)
	if err != nil {
		return err
	}
	echo, err := ping(ctx, to, p.Probe.ICMP.Packets)
	if err != nil {
		return err
	}
	a.echo(echo)
	switch {
	case echo.Received >= p.Probe.ICMP.Replies:
		return nil
	case echo.Received == 0:
		return line.Because(cluster.Timeout, fmt.Errorf("none of %d packets was answered", echo.Sent))
	}
	return line.Because(Lost, fmt.Errorf("%d of %d packets were answered, %d are wanted", echo.Received, echo.Sent, p.Probe.ICMP.Replies))
}

func (a *attempt) echo(e Echo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result.Echo = &e
}

// resolve finds the address of a host.
func resolve(ctx context.Context, network, host string, a *attempt) (netip.Addr, error) {
	if to, err := netip.ParseAddr(host); err == nil {
		return to, nil
	}
	begin := time.Now()
	found, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(found) == 0 {
		return netip.Addr{}, line.Because(Unresolved, errors.New("the host has no address"))
	}
	a.phase("resolve", time.Since(begin))
	return found[0].Unmap(), nil
}

// Reply tells that a host answers an ICMP echo before ctx ends, which must have a
// deadline. The error says that it did not, or, as os.ErrPermission, that the kernel
// does not let this process ask.
func Reply(ctx context.Context, host string) error {
	to, err := resolve(ctx, "ip", host, &attempt{})
	if err != nil {
		return err
	}
	echo, err := ping(ctx, to, 2)
	if err == nil && echo.Received == 0 {
		return line.Because(cluster.Timeout, errors.New("no packet was answered"))
	}
	return err
}

// ping sends packets and waits for their replies, until all are there or ctx ends. What
// is not there by then is lost.
func ping(ctx context.Context, to netip.Addr, packets int) (Echo, error) {
	s, err := openEcho(to)
	if err != nil {
		return Echo{}, err
	}
	defer func() { _ = s.conn.Close() }()
	var echo Echo
	var total time.Duration
	end, _ := ctx.Deadline()
	open := map[int]time.Time{} // when each was sent that is not answered
	for n := range packets {
		if ctx.Err() != nil {
			break
		}
		open[n] = time.Now()
		if err := s.send(n); err != nil {
			return Echo{}, err
		}
		echo.Sent++
		last, until := n == packets-1, time.Now().Add(betweenPackets)
		if last || until.After(end) {
			until = end
		}
		for !last || len(open) > 0 {
			seq, err := s.receive(until)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break // time for the next one, or up
			}
			if err != nil {
				return Echo{}, err
			}
			if at, ours := open[seq]; ours {
				delete(open, seq)
				echo.Received++
				total += time.Since(at)
			}
		}
	}
	return echo.of(total), nil
}

// of is e with the mean of its round trips.
func (e Echo) of(total time.Duration) Echo {
	if e.Received > 0 {
		e.RTT = total / time.Duration(e.Received)
	}
	return e
}

// echoSocket sends echo requests to one address. What it sends is random, so that a
// reply is one to this very packet.
type echoSocket struct {
	conn      *icmp.PacketConn
	to        net.Addr
	version   int // of the protocol, as its number in IP
	kind      icmp.Type
	id        int
	anyID     bool // the kernel writes an ID of its own, and lets only its replies in
	payload   []byte
	replyKind icmp.Type
}

// openEcho takes the socket that needs no right where the kernel allows it to this
// group (net.ipv4.ping_group_range), else a raw one, which needs CAP_NET_RAW.
func openEcho(to netip.Addr) (*echoSocket, error) {
	s := &echoSocket{version: 1, kind: ipv4.ICMPTypeEcho, replyKind: ipv4.ICMPTypeEchoReply, anyID: true, payload: make([]byte, 24)}
	unprivileged, raw, local := "udp4", "ip4:icmp", "0.0.0.0"
	if to.Is6() {
		s.version, s.kind, s.replyKind = 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
		unprivileged, raw, local = "udp6", "ip6:ipv6-icmp", "::"
	}
	if _, err := rand.Read(s.payload); err != nil {
		return nil, err
	}
	s.id = int(s.payload[0])<<8 | int(s.payload[1])
	ip := net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	s.to = &net.UDPAddr{IP: ip.IP, Zone: ip.Zone}
	var err error
	if s.conn, err = icmp.ListenPacket(unprivileged, local); err == nil {
		return s, nil
	}
	s.to, s.anyID = &ip, false
	if s.conn, err = icmp.ListenPacket(raw, local); err != nil {
		return nil, fmt.Errorf("ICMP needs net.ipv4.ping_group_range to include this group, or CAP_NET_RAW: %w", err)
	}
	return s, nil
}

func (s *echoSocket) send(seq int) error {
	m := icmp.Message{Type: s.kind, Body: &icmp.Echo{ID: s.id, Seq: seq, Data: s.payload}}
	text, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	_, err = s.conn.WriteTo(text, s.to)
	return err
}

// receive waits for the next reply to this socket's requests.
func (s *echoSocket) receive(until time.Time) (seq int, err error) {
	if err := s.conn.SetReadDeadline(until); err != nil {
		return 0, err
	}
	text := make([]byte, 1500)
	for {
		n, _, err := s.conn.ReadFrom(text)
		if err != nil {
			return 0, err
		}
		m, err := icmp.ParseMessage(s.version, text[:n])
		if err != nil || m.Type != s.replyKind {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && (s.anyID || e.ID == s.id) && bytes.Equal(e.Data, s.payload) {
			return e.Seq, nil
		}
	}
}
