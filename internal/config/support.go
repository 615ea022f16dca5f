package config

import (
	"regexp"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/fettle-io/fettle/cluster"
)

// Support is what is known of a version of a system.
type Support string

const (
	// Tested is a version between the oldest and the newest that the tests run against.
	Tested Support = "tested"
	// StandIn is one that was only met through a stand-in that speaks its protocol.
	StandIn Support = "stand-in"
	// Older is one from before them, and Newer one from after them.
	Older Support = "older"
	// Newer is one that came after those that the tests run against.
	Newer Support = "newer"
	// KnownBad is one that the version guard does not let be changed.
	KnownBad Support = "known bad"
	// Unknown is one that was not told, or not understood.
	Unknown Support = "unknown"
)

// line is the versions of a product against which the tests run, oldest and newest, each
// as far as it counts.
type line struct {
	kind           cluster.Kind
	product        string // in what the server says of its version; empty: any
	oldest, newest string
	standIn        bool
}

// matrix is the version matrix. Of several lines of a kind the first that fits counts.
func matrix() []line {
	return []line{
		{kind: cluster.KindEtcd, oldest: "3.4", newest: "3.7"},
		{kind: cluster.KindConsul, oldest: "1.12", newest: "1.12"},
		{kind: cluster.KindMySQL, product: "mariadb", oldest: "10.11", newest: "10.11"},
		{kind: cluster.KindMySQL, oldest: "8.0", newest: "8.4", standIn: true},
		{kind: cluster.KindPostgres, oldest: "15", newest: "15"},
		{kind: cluster.KindRedis, oldest: "7.0", newest: "7.0"},
		{kind: cluster.KindMongoDB, oldest: "4.4", newest: "8.0", standIn: true},
		{kind: cluster.KindKafka, oldest: "2.1", newest: "4", standIn: true},
		{kind: cluster.KindNATS, oldest: "2.9", newest: "2.9"},
		{kind: cluster.KindZooKeeper, oldest: "3.8", newest: "3.8"},
		{kind: cluster.KindHAProxy, oldest: "2.6", newest: "2.6"},
		{kind: cluster.KindNginx, oldest: "1.22", newest: "1.22"},
		{kind: cluster.KindKeepalived, oldest: "2.2", newest: "2.2"},
		{kind: cluster.KindGluster, oldest: "10", newest: "10"},
		{kind: cluster.KindPacemaker, oldest: "2.1", newest: "2.1"},
	}
}

var leadingVersion = regexp.MustCompile(`^v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,2})`)

// Support says what is known of a version, as the server tells it.
func (g Guards) Support(kind cluster.Kind, version string) Support {
	if _, bad := g.KnownBadVersion(kind, version); bad {
		return KnownBad
	}
	m := leadingVersion.FindStringSubmatch(version)
	if m == nil {
		return Unknown
	}
	for _, l := range matrix() {
		if l.kind != kind || !strings.Contains(strings.ToLower(version), l.product) {
			continue
		}
		switch {
		case semver.Compare("v"+m[1], "v"+l.oldest) < 0:
			return Older
		case semver.Compare(shortened(m[1], l.newest), "v"+l.newest) > 0:
			return Newer
		case l.standIn:
			return StandIn
		}
		return Tested
	}
	return Unknown
}

// shortened is a version with as many parts as like has.
func shortened(version, like string) string {
	parts := strings.Split(version, ".")
	return "v" + strings.Join(parts[:min(len(parts), 1+strings.Count(like, "."))], ".")
}
