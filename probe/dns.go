package probe

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostDatagram is the largest answer over UDP that is asked for; one that is larger is
// truncated, and asked for over TCP.
const mostDatagram = 1232

// askDNS asks the name server itself: no other resolver, no file of hosts and no search
// list comes between.
func askDNS(ctx context.Context, p *Prober, a *attempt) error {
	question, err := p.question()
	if err != nil {
		return line.Because(cluster.Other, err)
	}
	got, err := p.exchange(ctx, a, question, p.Probe.DNS.TCP)
	if err == nil && got.Truncated && !p.Probe.DNS.TCP {
		got, err = p.exchange(ctx, a, question, true)
	}
	if err != nil {
		return err
	}
	return p.judge(got, a)
}

func (p *Prober) question() (dnsmessage.Question, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(p.Probe.DNS.Name, ".") + ".")
	if err != nil {
		return dnsmessage.Question{}, fmt.Errorf("dns.name: %w", err)
	}
	kind, known := recordTypes()[p.Probe.DNS.Type]
	if !known {
		return dnsmessage.Question{}, fmt.Errorf("dns.type: %q is not asked for", p.Probe.DNS.Type)
	}
	return dnsmessage.Question{Name: name, Type: kind, Class: dnsmessage.ClassINET}, nil
}

// exchange asks once, over a connection of its own.
func (p *Prober) exchange(ctx context.Context, a *attempt, q dnsmessage.Question, overTCP bool) (*answer, error) {
	network := "udp"
	if overTCP {
		network = "tcp"
	}
	conn, err := a.dial(ctx, p.network(network), p.Target)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	id := uint16(rand.Uint32()) //nolint:gosec // the socket's port is the other half; who sees the query sees both
	query, err := pack(id, q)
	if err != nil {
		return nil, line.Because(cluster.Other, err)
	}
	if overTCP {
		query = append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...) //nolint:gosec // a query has some hundred bytes
	}
	begin := time.Now()
	if _, err := conn.Write(query); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	for {
		text, err := receive(conn, overTCP)
		if err != nil {
			return nil, fmt.Errorf("no answer: %w", err)
		}
		got, ours, err := parse(text, id, q)
		if !ours && !overTCP {
			continue // of an earlier query, or not from the server
		}
		if err != nil {
			return nil, line.Because(cluster.BadProtocol, err)
		}
		a.phase("wait", time.Since(begin))
		return got, nil
	}
}

// receive reads one message.
func receive(conn net.Conn, overTCP bool) ([]byte, error) {
	if !overTCP {
		text := make([]byte, 64<<10)
		n, err := conn.Read(text)
		return text[:n], err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	text := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, text)
	return text, err
}

// judge compares the answer with what is wanted.
func (p *Prober) judge(got *answer, a *attempt) error {
	want := p.Probe.DNS
	if got.RCode == dnsmessage.RCodeSuccess || got.RCode == dnsmessage.RCodeNameError {
		a.records(got.records)
	}
	switch {
	case got.RCode == dnsmessage.RCodeNameError && want.NXDomain:
		return nil
	case got.RCode != dnsmessage.RCodeSuccess:
		return line.Because(BadStatus, fmt.Errorf("the server says %s", strings.TrimPrefix(got.RCode.String(), "RCode")))
	case want.NXDomain:
		return line.Because(BadContent, fmt.Errorf("the name is there, with %d records of type %s", len(got.records), want.Type))
	case len(got.records) == 0:
		return line.Because(BadContent, fmt.Errorf("no record of type %s", want.Type))
	case len(want.Want) == 0:
		return nil
	}
	wanted := make([]string, len(want.Want))
	for i, w := range want.Want {
		wanted[i] = canonical(want.Type, w)
	}
	slices.Sort(wanted)
	if slices.Sort(got.records); !slices.Equal(slices.Compact(wanted), slices.Compact(got.records)) {
		return line.Because(BadContent, fmt.Errorf("the records are %s", strings.Join(got.records, ", ")))
	}
	return nil
}

func (a *attempt) records(all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result.Records, a.result.Answers = len(all), slices.Clone(all)
}
