package rules_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	for defect, name := range publishedDefects() {
		t.Run(defect, func(t *testing.T) {
			if !strings.Contains(cases.String(), "- name: "+name+"\n") {
				t.Errorf("there is no case %q", name)
			}
		})
	}
	named := slices.Collect(maps.Values(publishedDefects()))
	for _, c := range readCases(t, "tests/published_defects_test.yml") {
		if !slices.Contains(named, c.Name) {
			t.Errorf("of which defect is %q?", c.Name)
		}
	}
}

// publishedDefects are those of published rules, and of each the case that shows that it is not one of
// ours. Three are shown elsewhere: metrics that nobody tells and labels that vanish in a join by
// TestExpressions, a value in a label by TestLabelsAndAnnotations, and counting one fault once for
// each exporter by TestThreeExportersAreOne.
func publishedDefects() map[string]string {
	return map[string]string{
		// Raft
		"a quorum counted from up shrinks with the targets":                "FettleRaftQuorumLost does not fire when a target leaves service discovery",
		"a learner that is down counts as a voter":                         "FettleRaftQuorumLost does not fire for a learner that is down",
		"an even number of members is taken for a fault":                   "FettleRaftNoFailureTolerance does not fire for a member that is restarted",
		"increase(max()) counts others' changes after a restart":           "FettleRaftLeaderChanges does not fire when the member that saw most changes restarts",
		"a quantile of a few round trips is the largest":                   "FettleRaftPeerSlow does not fire",
		"one election is reported as failing proposals":                    "FettleRaftProposalsFail does not fire",
		"requests that wait for a defragmentation are slow":                "FettleRaftCanaryFails does not fire while its member is defragmented",
		"has_leader stays 1 while writes hang":                             "FettleRaftWritesFail fires though the leader says that it leads",
		"nobody tells of the alarm itself":                                 "FettleRaftNoSpace fires",
		"at 95% of the quota a repair has no room left":                    "FettleRaftDatabaseNearQuota fires",
		"a database that is compacted again and again is said to overflow": "FettleRaftDatabaseFilling does not fire",
		"resolved because the series vanished while it was repaired":       "FettleRaftMemberDown repair in progress",
		// Machines
		"a ratio printed as a number of errors is always 0":          "FettleNetworkReceiveErrors fires and says the share, not a rate that rounds to 0",
		"no packets at all divide by zero":                           "FettleNetworkTransmitErrors does not fire",
		"slow restarts are never seen":                               "FettleUnitRestarting fires for a unit that is restarted each two minutes",
		"restarts that are too fast end in failed and are not seen":  "FettleUnitFailed fires for a unit that was restarted too fast",
		"changes() of an info series never fires":                    "FettleMachineRestarted fires",
		"a delta of kills is negative after a restart":               "FettleProcessKilledForMemory does not fire",
		"a trend over a sawtooth or a young series":                  "FettleFilesystemFilling does not fire",
		"a sawtooth is taken for a leak":                             "FettleMemoryLeaking does not fire",
		"a bound of the clock's error is taken for the error itself": "FettleClocksApart does not fire",
		"a clock that is being slewed is called wrong":               "FettleClockWrong does not fire",
		// Replication
		"the lag vanishes when replication breaks":         "FettleSyncStopped fires when the lag vanishes because replication broke",
		"a standby that was cut off reports a lag of 0":    "FettleSyncStopped fires for a standby that was cut off at a lag of 0",
		"RESET REPLICA removes what would tell of it":      "FettleReplicaOrphaned stays when a reset removes the replication status",
		"the lag in seconds grows while a primary is idle": "FettleSyncDatabaseLagging does not fire for an idle primary",
		"a lag in seconds that is not told counts as one":  "FettleSyncLogLagging does not fire when the lag in seconds of an idle standby is not told",
		"primaries are counted over all clusters":          "FettleTwoPrimaries does not mix clusters that have one primary each",
		"a replica that reconnects is a page":              "FettleRedisLinkDown does not fire for a link that was away for one look",
		// Probes, configuration, the way to people
		"one lost probe is a page":                                "FettleProbeFailing does not page for one lost probe",
		"one bad server of several hides behind the good ones":    "FettleProbeErrorsHigh fires for one bad server of two",
		"what always fails a little is above a fixed limit":       "FettleProbeErrorsAboveBaseline does not fire for one that always fails a little",
		"no targets at all are silence":                           "FettleExporterDown target disappears",
		"a rollout that is under way is drift":                    "FettleConfigDiffers does not fire for a change that takes its time",
		"that fettle is told of nothing is told by nobody":        "FettleWatchdogNotSeen fires",
		"a join that leaves out the job fails for two of them":    "FettleDetectionLate fires where two jobs scrape one Prometheus",
		"a repair sets off the alarms of those around its target": "repair in progress of a Raft member",
	}
}
