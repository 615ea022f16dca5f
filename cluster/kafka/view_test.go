package kafka

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// shown is a View as the truth table writes it.
func shown(v cluster.View) string {
	var text strings.Builder
	for _, m := range v.Members {
		fmt.Fprint(&text, m.Name, ":")
		if m.Sync.Up {
			fmt.Fprint(&text, " up")
		}
		if m.Sync.Running {
			fmt.Fprint(&text, " running")
		}
		if m.Sync.Seconds != nil || m.Sync.Bytes != nil || m.Sync.Entries != nil {
			fmt.Fprint(&text, " a lag")
		}
		if m.Error != "" {
			fmt.Fprint(&text, " (", m.Error, ")")
		}
		fmt.Fprintln(&text)
	}
	s := v.Detail.(*Summary)
	fmt.Fprintf(&text, "under %s offline %s below %s\n", number(s.UnderReplicated), number(s.Offline), number(s.BelowMin))
	for _, g := range s.Groups {
		fmt.Fprint(&text, g.Name, ":")
		if g.Up {
			fmt.Fprint(&text, " up")
		}
		fmt.Fprintf(&text, " %d partitions, %d unread, lag %s, most %s\n", g.Partitions, g.Unread, number(g.Lag), number(g.MostLag))
	}
	return strings.TrimSpace(text.String())
}

func number(n *float64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

var refused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

// seen is what three brokers say, of a topic with two partitions that a group reads, and
// one more.
func seen() (cluster.Cluster, survey) {
	c := cluster.Cluster{Name: "c", Kind: cluster.KindKafka, Kafka: cluster.Kafka{Groups: []string{"g"}}}
	m := meta{id: "id", controller: 1, topics: 1}
	for i := range int32(3) {
		c.Members = append(c.Members, cluster.Member{Name: fmt.Sprint("k", i), Endpoint: fmt.Sprintf("kafka://10.0.0.%d:9092", i)})
		m.brokers = append(m.brokers, broker{i, fmt.Sprintf("10.0.0.%d:9092", i)})
	}
	s := survey{least: map[string]int{}, ends: map[place]int64{{"t", 0}: 100, {"t", 1}: 50}}
	for range 3 {
		look := m
		s.looks = append(s.looks, lookOf(look))
	}
	for i := range int32(2) {
		m.partitions = append(m.partitions, partition{topic: "t", index: i, leader: i, replicas: []int32{0, 1, 2}, isr: []int32{0, 1, 2}})
	}
	s.topics = &m
	s.groups = []group{{name: "g", coordinator: 2, committed: map[place]int64{{"t", 0}: 90, {"t", 1}: 50}}}
	return c, s
}

func lookOf(m meta) look { return look{meta: &m} }

func TestView(t *testing.T) {
	const well = "k0: up running\nk1: up running\nk2: up running\nunder 0 offline 0 below 0\ng: up 2 partitions, 0 unread, lag 10, most 10"
	without := func(list []int32, id int32) []int32 {
		return slices.DeleteFunc(slices.Clone(list), func(n int32) bool { return n == id })
	}
	for _, tc := range []struct {
		name   string
		change func(*survey)
		want   string
	}{
		{"healthy", func(*survey) {}, well},
		{"a broker is away", func(s *survey) { s.looks[2] = look{err: refused} }, strings.Replace(well, "k2: up running", "k2: (refused)", 1)},
		{"a broker's copies are behind", func(s *survey) {
			for i := range s.topics.partitions {
				s.topics.partitions[i].isr = []int32{0, 1}
			}
			s.least["t"] = 2
		}, "k0: up running\nk1: up running\nk2: up\nunder 2 offline 0 below 0\ng: up 2 partitions, 0 unread, lag 10, most 10"},
		{"and one more, below the minimum", func(s *survey) {
			s.topics.partitions[0].isr = []int32{0}
			s.least["t"] = 2
		}, "k0: up running\nk1: up\nk2: up\nunder 1 offline 0 below 1\ng: up 2 partitions, 0 unread, lag 10, most 10"},
		{"the minimum is not told", func(s *survey) { s.topics.partitions[0].isr = []int32{0} }, "k0: up running\nk1: up\nk2: up\nunder 1 offline 0 below -\ng: up 2 partitions, 0 unread, lag 10, most 10"},
		{"no leader", func(s *survey) {
			s.topics.partitions[1].leader, s.topics.partitions[1].isr = -1, nil
			s.least["t"] = 1
			delete(s.ends, place{"t", 1})
		}, "k0: up\nk1: up\nk2: up\nunder 1 offline 1 below 1\ng: up 2 partitions, 1 unread, lag -, most -"},
		{"the others do not know it", func(s *survey) {
			s.topics.brokers = s.topics.brokers[:2]
			for i := range s.topics.partitions {
				s.topics.partitions[i].replicas = without(s.topics.partitions[i].replicas, 2)
				s.topics.partitions[i].isr = s.topics.partitions[i].replicas
			}
		}, strings.Replace(well, "k2: up running", "k2: up", 1)},
		{"topics are not told", func(s *survey) { s.topics, s.groups, s.err = nil, nil, errors.New("too large") }, "k0: up\nk1: up\nk2: up\nunder - offline - below -\ng: 0 partitions, 0 unread, lag -, most -"},
		{"the coordinator is away", func(s *survey) { s.groups[0].committed, s.groups[0].err = nil, errors.New("x") }, strings.Replace(well, "g: up 2 partitions, 0 unread, lag 10, most 10", "g: 0 partitions, 0 unread, lag -, most -", 1)},
		{"a leader is away", func(s *survey) { delete(s.ends, place{"t", 1}) }, strings.Replace(well, "0 unread, lag 10, most 10", "1 unread, lag -, most -", 1)},
		{"the group has no offsets", func(s *survey) { s.groups[0].committed = map[place]int64{} }, strings.Replace(well, "2 partitions, 0 unread, lag 10, most 10", "0 partitions, 0 unread, lag -, most -", 1)},
		{"a topic of the same name", func(s *survey) { s.ends[place{"t", 0}] = 3 }, strings.Replace(well, "0 unread, lag 10, most 10", "1 unread, lag -, most -", 1)},
		{"nobody", func(s *survey) { *s = survey{looks: []look{{err: refused}, {err: refused}, {err: refused}}} }, "k0: (refused)\nk1: (refused)\nk2: (refused)\nunder - offline - below -\ng: 0 partitions, 0 unread, lag -, most -"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := seen()
			tc.change(&s)
			s.choose(c)
			if got := shown(assemble(c, s)); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestParts(t *testing.T) {
	c, s := seen()
	c.Members = append(c.Members, cluster.Member{Name: "elsewhere", Endpoint: "kafka://10.0.0.9:9092"})
	s.looks = append(s.looks, lookOf(*s.looks[0].meta))
	s.choose(c)
	v := assemble(c, s)
	d, told := v.Members[1].Detail.(*Member), v.Detail.(*Summary)
	if *d.ID != 1 || !d.Controller || *d.Leads != 1 || *d.Replicas != 2 || *d.OutOfSync != 0 || *told.Brokers != 3 || !told.Controller || *told.Topics != 1 || *told.Partitions != 2 || v.Mismatch || v.ID != "id" {
		t.Errorf("%+v, %+v", d, told)
	}
	if d := v.Members[3].Detail.(*Member); d.ID != nil || d.Leads != nil || v.Members[3].Sync.Running {
		t.Errorf("a broker that the cluster does not advertise: %+v", d)
	}
}

// Who speaks for the cluster, where not all say the same: never one that stands alone.
func TestChoose(t *testing.T) {
	fewer := func(l *look) { l.meta.brokers = l.meta.brokers[:2] }
	for _, tc := range []struct {
		name   string
		change func(s *survey)
		want   int
		differ bool
	}{
		{"all say the same: the controller", func(*survey) {}, 1, false},
		{"the controller does not answer", func(s *survey) { s.looks[1] = look{err: refused} }, 0, false},
		{"the first has old metadata", func(s *survey) { s.looks[0].meta.controller = 0; fewer(&s.looks[0]) }, 1, true},
		{"the controller stands alone", func(s *survey) { fewer(&s.looks[1]) }, 0, true},
		{"each names another controller, as with KRaft", func(s *survey) { s.looks[0].meta.controller, s.looks[2].meta.controller = 2, 0 }, 0, false},
		{"two name one controller", func(s *survey) { s.looks[0].meta.controller, s.looks[1].meta.controller = 2, 2 }, 2, false},
		{"one against one", func(s *survey) { fewer(&s.looks[0]); s.looks[2] = look{err: refused} }, -1, true},
		{"three of a mind each", func(s *survey) { fewer(&s.looks[0]); s.looks[2].meta.id = "another" }, -1, true},
		{"another cluster", func(s *survey) { s.looks[2].meta.id = "another" }, 1, true},
		{"one answers", func(s *survey) { s.looks[0], s.looks[1] = look{err: refused}, look{err: refused} }, 2, false},
		{"nobody", func(s *survey) { s.looks = []look{{err: refused}, {err: refused}, {err: refused}} }, -1, false},
	} {
		c, s := seen()
		for i := range s.looks {
			own := *s.looks[i].meta
			s.looks[i].meta = &own
		}
		tc.change(&s)
		at := s.choose(c)
		v := assemble(c, s)
		told := v.Detail.(*Summary)
		if at != tc.want || s.differ != tc.differ || v.Mismatch != tc.differ || told.Differ != tc.differ || (told.Brokers == nil) != (at < 0) || (s.err != nil) != (at < 0 && tc.differ) {
			t.Errorf("%s: %d, %+v, %v", tc.name, at, told, s.err)
		}
	}
}
