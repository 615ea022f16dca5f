package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// choose finds the broker that is asked about the topics, for all: one of those, the
// most, that name the same brokers, and among these the one that most of them call the
// controller. A broker that is cut off from the others keeps the metadata that it had,
// which name brokers that are gone, and speaks for nobody but itself. -1: nobody answers,
// or as many say one thing as another, which is an error.
func (s *survey) choose(c cluster.Cluster) int {
	sides := map[string][]int{} // by what they say
	var most []int
	for i, l := range s.looks {
		if l.meta == nil {
			continue
		}
		said := l.meta.says()
		if sides[said] = append(sides[said], i); len(sides[said]) > len(most) {
			most = sides[said]
		}
	}
	s.differ = len(sides) > 1
	if len(most) == 0 {
		return -1
	}
	for _, side := range sides {
		if len(side) == len(most) && side[0] != most[0] {
			s.err = line.Because(cluster.Other, errors.New("the brokers that answer name different brokers of the cluster, and as many say one thing as another: nothing is told of topics and groups"))
			return -1
		}
	}
	votes := map[int32]int{}
	for _, i := range most {
		votes[s.looks[i].meta.controller]++
	}
	best, named := most[0], 0
	for _, i := range most {
		if id, ok := numberOf(c.Members[i], s.looks); ok && votes[id] > named {
			best, named = i, votes[id]
		}
	}
	s.speaker = s.looks[best].meta
	return best
}

// says is what a broker says of who belongs to the cluster, to be compared.
func (m *meta) says() string {
	all := make([]string, len(m.brokers))
	for i, b := range m.brokers {
		all[i] = fmt.Sprint(b.id, "@", b.address)
	}
	slices.Sort(all)
	return m.id + " " + strings.Join(all, " ")
}

// names tells that the controller which m names is one of its brokers.
func (m *meta) names() bool {
	return slices.ContainsFunc(m.brokers, func(b broker) bool { return b.id == m.controller })
}
