package story

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

// printed is the beginning of what a program said, and where the rest is.
func printed(e repair.Evidence) []string {
	const most = 5 // lines
	lines := strings.Split(strings.TrimSpace(e.Excerpt), "\n")
	out := []string{fmt.Sprintf("it printed %d bytes: fettle journal blobs show %s", e.Bytes, e.Digest)}
	for _, line := range lines[:min(len(lines), most)] {
		out = append(out, "| "+line)
	}
	if len(lines) > most {
		out = append(out, "| …")
	}
	return out
}
