package config

import (
	"strings"
	"testing"
)

// A share of a cluster or a group without members is told of as such: a fuzzer found
// that it was divided by.
func TestShareOfNobody(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"clusters:\n  - name: demo\nguards:\n  blast_radius:\n    clusters: {demo: 34%}\n", "members"},
		{"clusters:\n  - name: demo\nguards:\n  blast_radius:\n    groups: [{name: g, members: [demo/*], at_most: 1}]\n", "members"},
		{"guards:\n  blast_radius:\n    groups: [{name: g, members: [], at_most: 1}]\n", "members"},
	} {
		if _, err := Parse("fettle.yml", []byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.file, err)
		}
	}
}
