package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The defects of published rules, each with the promtool case that shows that it
// is not one of ours.
func TestPublishedDefectsAreAbsent(t *testing.T) {
	var cases strings.Builder
	paths, err := filepath.Glob("tests/*_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cases.Write(content)
	}
	for defect, name := range map[string]string{
		"a quorum counted from up shrinks with the targets":          "FettleRaftQuorumLost does not fire when a target leaves service discovery",
		"a learner that is down counts as a voter":                   "FettleRaftQuorumLost does not fire for a learner that is down",
		"increase(max()) counts others' changes after a restart":     "FettleRaftLeaderChanges does not fire when the member that saw most changes restarts",
		"a quantile of a few round trips is the largest":             "FettleRaftPeerSlow does not fire",
		"one election is reported as failing proposals":              "FettleRaftProposalsFail does not fire",
		"a ratio printed as a number of errors is always 0":          "FettleNetworkReceiveErrors fires and says the share, not a rate that rounds to 0",
		"no packets at all divide by zero":                           "FettleNetworkTransmitErrors does not fire",
		"slow restarts are never seen":                               "FettleUnitRestarting fires for a unit that is restarted each two minutes",
		"changes() of an info series never fires":                    "FettleMachineRestarted fires",
		"a delta of kills is negative after a restart":               "FettleProcessKilledForMemory does not fire",
		"a trend over a sawtooth or a young series":                  "FettleFilesystemFilling does not fire",
		"a bound of the clock's error is taken for the error itself": "FettleClocksApart does not fire",
		"resolved because the series vanished while it was repaired": "FettleRaftMemberDown repair in progress",
	} {
		if !strings.Contains(cases.String(), "- name: "+name+"\n") {
			t.Errorf("%s: there is no case %q", defect, name)
		}
	}
}
