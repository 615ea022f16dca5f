package mongodb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/mongodbtest"
)

func driver(t *testing.T, c cluster.Cluster) *Driver {
	t.Helper()
	return driverWithin(t, c, 300*time.Millisecond)
}

// patient is a driver of servers that all answer, if after a login, which is thousands of
// hashes for both sides.
func patient(t *testing.T, c cluster.Cluster) *Driver {
	t.Helper()
	return driverWithin(t, c, 30*time.Second)
}

func driverWithin(t *testing.T, c cluster.Cluster, timeout time.Duration) *Driver {
	t.Helper()
	d, err := New(c, Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// shown is a View as the truth table writes it.
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
		if m.Sync.Seconds != nil {
			fmt.Fprint(&text, " ", *m.Sync.Seconds, " s")
		}
		if m.Sync.Bytes != nil || m.Sync.Entries != nil {
			fmt.Fprint(&text, " bytes or entries")
		}
		if m.Error != "" {
			fmt.Fprint(&text, " (", m.Error, ")")
		}
		fmt.Fprintln(&text)
	}
	s := v.Detail.(*Summary)
	fmt.Fprintf(&text, "%d primaries, %d of %d voters", s.Primaries, s.VotersReachable, s.Voters)
	return text.String()
}

const healthy = "m0: primary up running\nm1: replica up running from m0 0 s\nm2: replica up running from m0 0 s\n1 primaries, 3 of 3 voters"

// The cells of the table in docs/collectors/mongodb.md, against the stand-in.
func TestTruth(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(s *mongodbtest.Set)
		want string
	}{
		{"all healthy", func(s *mongodbtest.Set) { s.Pass(time.Second); s.Write() }, healthy},
		{"idle primary", func(s *mongodbtest.Set) { s.Pass(time.Hour) }, healthy},
		{
			"replica cut off",
			func(s *mongodbtest.Set) { s.Members[1].Cut(true); s.Pass(6 * time.Second); s.Write() },
			"m0: primary up running\nm1: replica up from m0 6 s\nm2: replica up running from m0 0 s\n1 primaries, 3 of 3 voters",
		},
		{
			"replica cut off, idle primary",
			func(s *mongodbtest.Set) { s.Members[1].Cut(true); s.Pass(6 * time.Second) },
			"m0: primary up running\nm1: replica up from m0\nm2: replica up running from m0 0 s\n1 primaries, 3 of 3 voters",
		},
		{
			"primary frozen",
			func(s *mongodbtest.Set) { s.Members[0].Freeze(); s.Pass(6 * time.Second) },
			"m0: (timeout)\nm1: replica up from m0\nm2: replica up from m0\n0 primaries, 2 of 3 voters",
		},
		{
			"primary dead",
			func(s *mongodbtest.Set) { s.Members[0].Kill(); s.Pass(6 * time.Second) },
			"m0: (other)\nm1: replica up from m0\nm2: replica up from m0\n0 primaries, 2 of 3 voters",
		},
		{
			"primary cut off",
			func(s *mongodbtest.Set) { s.Members[0].Cut(true); s.Pass(6 * time.Second) },
			"m0: primary up\nm1: replica up from m0\nm2: replica up from m0\n1 primaries, 3 of 3 voters",
		},
		{
			"failover, and the old primary does not know",
			func(s *mongodbtest.Set) { s.Members[0].Cut(true); s.Pass(12 * time.Second); s.Elect(1); s.Write() },
			"m0: primary up\nm1: primary up running\nm2: replica up running from m1 0 s\n2 primaries, 3 of 3 voters",
		},
		{
			"failover",
			func(s *mongodbtest.Set) { s.Pass(time.Second); s.Elect(1); s.Write() },
			"m0: replica up running from m1 0 s\nm1: primary up running\nm2: replica up running from m1 0 s\n1 primaries, 3 of 3 voters",
		},
		{
			"replay paused",
			func(s *mongodbtest.Set) { s.Members[2].Pause(true); s.Pass(time.Minute); s.Write() },
			"m0: primary up running\nm1: replica up running from m0 0 s\nm2: replica up running from m0 60 s\n1 primaries, 3 of 3 voters",
		},
		{
			"link stopped",
			func(s *mongodbtest.Set) {
				s.Members[1].State(mongodbtest.Recovering)
				s.Pass(time.Minute)
				s.Write()
			},
			"m0: primary up running\nm1: replica up 60 s\nm2: replica up running from m0 0 s\n1 primaries, 3 of 3 voters",
		},
		{
			"replication reset",
			func(s *mongodbtest.Set) { s.Members[1].State(mongodbtest.Removed); s.Pass(time.Minute); s.Write() },
			"m0: primary up running\nm1: replica up 60 s\nm2: replica up running from m0 0 s\n1 primaries, 3 of 3 voters",
		},
		{
			"rollback",
			func(s *mongodbtest.Set) { s.Members[2].State(mongodbtest.Rollback) },
			"m0: primary up running\nm1: replica up running from m0 0 s\nm2: replica up\n1 primaries, 3 of 3 voters",
		},
		{
			"replica frozen",
			func(s *mongodbtest.Set) { s.Members[1].Freeze() },
			"m0: primary up running\nm1: (timeout)\nm2: replica up running from m0 0 s\n1 primaries, 2 of 3 voters",
		},
		{
			"no majority",
			func(s *mongodbtest.Set) { s.Members[1].Kill(); s.Members[2].Kill(); s.Pass(6 * time.Second) },
			"m0: primary up\nm1: (other)\nm2: (other)\n1 primaries, 1 of 3 voters",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := mongodbtest.Start(t, 3, mongodbtest.Options{})
			d := driver(t, s.Inventory("c"))
			if got := shown(d.View(t.Context())); got != healthy {
				t.Fatalf("at first\n%s", got)
			}
			tc.make(s)
			// One that was killed is reset first, and refuses then.
			if got := strings.ReplaceAll(shown(d.View(t.Context())), "refused", "other"); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestArbiterAndDelay(t *testing.T) {
	s := mongodbtest.Start(t, 4, mongodbtest.Options{Arbiter: true, User: "fettle", Password: "secret"})
	s.Members[1].Delay, s.Members[1].Votes = 3600, 0
	c := s.Inventory("c")
	c.Read = cluster.Login{Username: "fettle", PasswordFile: secret(t, "secret")}
	d := patient(t, c)
	s.Members[1].Pause(true)
	s.Pass(3610 * time.Second)
	s.Write()
	v := d.View(t.Context())
	const want = "m0: primary up running\nm1: replica up running from m0 10 s\nm2: replica up running from m0 0 s\nm3: arbiter up running\n1 primaries, 3 of 3 voters"
	if got := shown(v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	m := v.Members[0].Detail.(*Member)
	if m.Version != "7.0.14" || m.Term != 2 || *m.Oplog.Last-*m.Oplog.First != 3600 || len(m.Peers) != 3 || m.Peers[0].Name != "m1" ||
		*m.Peers[0].Ping != 0.003 || m.Config[m.Peers[0].Address] != (Configured{Hidden: true, Delay: 3600}) || m.Elected.IsZero() {
		t.Errorf("%+v", m)
	}
}

func TestUnlisted(t *testing.T) {
	s := mongodbtest.Start(t, 3, mongodbtest.Options{})
	c := s.Inventory("c")
	c.Members = c.Members[:2]
	v := patient(t, c).View(t.Context())
	if len(v.Unlisted) != 1 || v.Unlisted[0] != s.Members[2].Address || !strings.HasSuffix(shown(v), "2 of 3 voters") {
		t.Errorf("%v, %s", v.Unlisted, shown(v))
	}
}
