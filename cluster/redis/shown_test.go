package redis

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/cluster"
)

// shown is a View as the truth table writes it: a line for each member.
func shown(v cluster.View) string {
	var text strings.Builder
	for _, m := range v.Members {
		fmt.Fprint(&text, m.Name, ":")
		if m.Sync.Role != "" {
			fmt.Fprint(&text, " ", m.Sync.Role)
		}
		if m.Sync.Up {
			fmt.Fprint(&text, " up")
		}
		if m.Sync.Running {
			fmt.Fprint(&text, " running")
		}
		if m.Sync.Source != "" {
			fmt.Fprint(&text, " from ", m.Sync.Source)
		}
		switch b := m.Sync.Bytes; {
		case b == nil:
		case *b == 0:
			fmt.Fprint(&text, " 0 bytes")
		default:
			fmt.Fprint(&text, " behind")
		}
		if m.Sync.Seconds != nil || m.Sync.Entries != nil {
			fmt.Fprint(&text, " seconds or entries")
		}
		if m.Error != "" {
			fmt.Fprint(&text, " (", m.Error, ")")
		}
		fmt.Fprintln(&text)
	}
	return strings.TrimSpace(text.String())
}

// of is what a member said, an empty answer where it said nothing.
func of(v cluster.View, i int) *Member {
	if m, ok := v.Members[i].Detail.(*Member); ok {
		return m
	}
	return &Member{Offset: new(0.0), Link: Link{Silent: new(0.0)}}
}
