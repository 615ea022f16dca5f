package mysql

import (
	"strconv"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// silentPeriods is how many heartbeats a link may miss.
const silentPeriods = 3

// history is what earlier looks saw: who is who when a server cannot be asked, whether a
// link shows life, and who followed whom. Nothing of it is told as a value.
type history struct {
	ids       map[string]identity         // by member
	links     map[string]map[string]*link // by member and channel
	silent    map[string]time.Time        // since which look a member does not answer
	followed  map[string][]string         // by member, those that it followed last
	orphaned  map[string]bool             // judged so by the last look
	written   map[string]written          // by member, what it had at an earlier look
	logs      map[string]bool             // whose binary log is asked for whole
	addresses map[string]address          // by endpoint
}

// address is the member's, read once.
func (h *history) address(m cluster.Member) address {
	at, known := h.addresses[m.Endpoint]
	if !known {
		at, _ = addressOf(m) // an endpoint that is none is nobody's address
		h.addresses[m.Endpoint] = at
	}
	return at
}

// identity is who a server is, whatever its address.
type identity struct {
	serverID uint64
	uuid     string
}

// link is what was seen of one channel.
type link struct {
	sign   string    // changes with whatever comes over it
	seen   time.Time // the look at which it had changed; the first look
	proven bool      // it has changed since the first look
	late   bool      // something that its source had at an earlier look has not come over it
}

// written are a source's transactions at one look.
type written struct {
	gtids string
	at    time.Time
}

func newHistory() *history {
	return &history{
		ids: map[string]identity{}, links: map[string]map[string]*link{}, silent: map[string]time.Time{},
		followed: map[string][]string{}, orphaned: map[string]bool{}, written: map[string]written{}, logs: map[string]bool{}, addresses: map[string]address{},
	}
}

// noteMember notes who answers under a name, or that nobody does.
func (h *history) noteMember(name string, l look, now time.Time) {
	if _, already := h.silent[name]; l.spoke() {
		delete(h.silent, name)
	} else if !already {
		h.silent[name] = now
	}
	m := l.member
	if m == nil {
		return
	}
	h.ids[name] = identity{m.ServerID, m.UUID}
	h.logs[name] = false // until somebody wants them
	links := map[string]*link{}
	for i := range m.Channels {
		c := &m.Channels[i]
		l := h.links[name][c.Name]
		if l == nil {
			l = &link{sign: c.sign(), seen: now}
		}
		if sign := c.sign(); sign != l.sign {
			l.sign, l.seen, l.proven = sign, now, true
		}
		links[c.Name] = l
		c.Silent = max(now.Sub(l.seen).Seconds(), 0)
	}
	h.links[name] = links
}

// sign changes with each heartbeat and each event that comes over the link.
func (c Channel) sign() string {
	beats := -1.0
	if c.Heartbeats != nil {
		beats = *c.Heartbeats
	}
	b := make([]byte, 0, 128)
	for _, n := range []float64{beats, c.Read.Position} {
		b = append(strconv.AppendFloat(b, n, 'g', -1, 64), ' ')
	}
	return string(append(append(b, c.Read.File...), c.Received...))
}

// alive tells whether a link is there, of which the server says that it receives. What
// a server says holds only while its source answers this program too: one that hangs is
// missed by its replicas a minute later. Without that answer, something must have come
// over the link since; and it never is silent for longer than its heartbeats allow.
func (h *history) alive(member string, c *Channel, unknown time.Time) bool {
	l := h.links[member][c.Name]
	if !c.receives() || l == nil {
		return false
	}
	if c.Period != nil && *c.Period > 0 && c.Silent > silentPeriods**c.Period {
		return false
	}
	since, silent := h.silent[c.Source]
	if c.Source == "" { // it may be one that never answered
		since, silent = unknown, !unknown.IsZero()
	}
	return !silent || l.proven && l.seen.After(since)
}

// nameless is since when a member does not answer of which no look has learned who it is;
// zero: there is none.
func (h *history) nameless() time.Time {
	var last time.Time
	for name, since := range h.silent {
		if _, known := h.ids[name]; !known && since.After(last) {
			last = since
		}
	}
	return last
}

// compare says, once a second at most, whether all that the source had at an earlier look
// has come over the channel since. A replica that reads slowly calls itself 0 seconds
// behind: it counts from what it has read.
func (h *history) compare(member string, c *Channel, replica *Member, now time.Time) {
	before, ok := h.written[c.Source]
	l := h.links[member][c.Name]
	if !ok || l == nil || now.Sub(before.at) < time.Second {
		return
	}
	n := missing(replica.Version.Flavor, before.gtids, *c, c.Received, replica.Applied)
	l.late = n != nil && *n > 0 && (c.Received != "" || c.Behind != nil && *c.Behind == 0)
}

// noteWritten keeps what a source has, for a later look.
func (h *history) noteWritten(name string, m *Member, now time.Time) {
	if before, ok := h.written[name]; !ok || now.Sub(before.at) >= time.Second {
		h.written[name] = written{m.Written, now}
	}
}
