package story

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

// verdicts are what the guards said: each refusal with its reason, then those that
// said yes on one line.
func verdicts(all []repair.Verdict) (lines []string) {
	var yes []string
	for _, v := range all {
		if v.OK {
			yes = append(yes, v.Guard)
			continue
		}
		lines = append(lines, fmt.Sprintf("guard %s: no (%s): %s", v.Guard, v.Reason, v.Detail))
	}
	if len(yes) > 0 {
		lines = append(lines, "guards that said yes: "+strings.Join(yes, ", "))
	}
	return lines
}
