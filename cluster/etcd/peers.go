package etcd

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// A peer that has been up for less does not count an absent connection as lost:
// it may not have come to connecting yet.
const connectTime = 5 * time.Second

const (
	metricHasLeader   = "etcd_server_has_leader"
	metricActivePeers = "etcd_network_active_peers"
	metricReceived    = "etcd_network_peer_received_bytes_total"
	metricStart       = "process_start_time_seconds"
)

// GoneByPeers tells whether the other members that see a leader have lost their
// connections to the member: Yes at all of them, No when one still has it,
// Unknown when none can tell. On etcd 3.7 a hung member counts as connected for
// another 32 s.
func (d *Driver) GoneByPeers(ctx context.Context, member string) cluster.Answer {
	id, ok := d.MemberID(member)
	if !ok {
		return cluster.Unknown
	}
	answer := cluster.Unknown
	for _, p := range d.scrapePeers(ctx, member) {
		switch p.sees(id) {
		case cluster.Yes:
			return cluster.No
		case cluster.No:
			answer = cluster.Yes
		}
	}
	return answer
}

// ReceivedFrom returns how many bytes each reachable peer, by name, has received
// from the member since the peer started. It fails when no peer answers, or the
// member's ID is not known.
func (d *Driver) ReceivedFrom(ctx context.Context, member string) (map[string]float64, error) {
	if _, ok := d.member(member); !ok {
		return nil, d.unknown(member)
	}
	id, ok := d.MemberID(member)
	if !ok {
		return nil, fmt.Errorf("cluster %q: the ID of member %q is not known: no member has told it since the start, and none is pinned", d.cluster.Name, member)
	}
	scraped := d.scrapePeers(ctx, member)
	if len(scraped) == 0 {
		return nil, fmt.Errorf("cluster %q: no peer of member %q serves its metrics", d.cluster.Name, member)
	}
	bytes := make(map[string]float64, len(scraped))
	for _, p := range scraped {
		// A peer that never received anything has no series: 0 is what it got.
		bytes[p.name], _ = p.value(metricReceived, id)
	}
	return bytes, nil
}

// scrape is what is wanted of one peer's metrics.
type scrape struct {
	name    string
	at      time.Time // the peer's own clock; zero: not told
	samples []sample
}

// scrapePeers reads the metrics of all members but one, at once. Those that do
// not serve them are left out.
func (d *Driver) scrapePeers(ctx context.Context, but string) []scrape {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	all := make([]scrape, len(d.members))
	var asked sync.WaitGroup
	for i, m := range d.members {
		if m.Name == but {
			continue
		}
		asked.Go(func() {
			if s, err := d.scrape(ctx, m); err == nil {
				all[i] = s
			}
		})
	}
	asked.Wait()
	return slices.DeleteFunc(all, func(s scrape) bool { return s.name == "" })
}

// scrape reads a member's metrics page. What it does not want is not decoded.
func (d *Driver) scrape(ctx context.Context, m *member) (scrape, error) {
	resp, err := d.do(m.page.WithContext(ctx))
	if err != nil {
		return scrape{}, err
	}
	defer resp.Body.Close()
	lines, ok := d.readers.Get().(*bufio.Reader)
	if !ok {
		lines = bufio.NewReaderSize(nil, longestLine)
	}
	lines.Reset(resp.Body)
	samples, err := scan(lines, d.wanted)
	lines.Reset(nil)
	d.readers.Put(lines)
	if err != nil {
		return scrape{}, err
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		at = time.Time{}
	}
	return scrape{name: m.Name, at: at, samples: samples}, nil
}

// value is the value of the series with that label, "" of the one without.
func (s scrape) value(name, label string) (float64, bool) {
	for _, m := range s.samples {
		if m.name == name && m.label == label {
			return m.value, true
		}
	}
	return 0, false
}

// sees tells whether this peer holds a connection to the member.
func (s scrape) sees(id string) cluster.Answer {
	if leader, ok := s.value(metricHasLeader, ""); !ok || leader != 1 {
		return cluster.Unknown
	}
	active, ok := s.value(metricActivePeers, id)
	switch {
	case ok && active > 0:
		return cluster.Yes
	case ok:
		return cluster.No
	}
	// No series: never connected since this peer started.
	start, ok := s.value(metricStart, "")
	if !ok || s.at.IsZero() || s.at.Sub(time.Unix(0, int64(start*1e9))) < connectTime {
		return cluster.Unknown
	}
	return cluster.No
}
