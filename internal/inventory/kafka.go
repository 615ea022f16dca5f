package inventory

import (
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

const mostGroups = 64

// kafka checks what only clusters of kind kafka declare.
func (c check) kafka(cl cluster.Cluster) {
	if cl.Kind == cluster.KindKafka && cl.Read.PasswordFile != "" && !cl.TLS.On() {
		c.errorf("read", "a login needs tls: SASL/PLAIN sends the password as it is. Declare tls, such as {enabled: true}")
	}
	if !cl.Kafka.Declared() {
		return
	}
	if cl.Kind != cluster.KindKafka {
		c.errorf("kafka", "kafka is declared, but the cluster is of kind %s: leave it out", strictyaml.Clip(string(cl.Kind)))
		return
	}
	groups := cl.Kafka.Groups
	if len(groups) > mostGroups {
		c.doc.Errorf(c.at.Join("kafka", "groups"), "%d groups, %d is the most: each is a question in each scrape", len(groups), mostGroups)
	}
	for i, g := range groups {
		at := c.at.Join("kafka", "groups", i)
		switch {
		case g == "" || len(g) > 249 || strings.ContainsFunc(g, func(r rune) bool { return r < ' ' || r == 0x7f }):
			c.doc.Errorf(at, "group %s is no name: 1 to 249 characters, none of them a control character", strictyaml.Clip(g))
		case slices.Contains(groups[:i], g):
			c.doc.Errorf(at, "group %s is listed twice: keep one", strictyaml.Clip(g))
		}
	}
}
