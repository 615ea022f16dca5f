package mongodb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/mongodbtest"
)

func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The example of RFC 7677, section 3.
func TestSCRAM(t *testing.T) {
	s := scram{user: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO"}
	if got := s.first(); got != "n,,n=user,r=rOprNGfwEbeRWgbNEkqO" {
		t.Error(got)
	}
	const nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	got, err := s.final(nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
	if want := "c=biws," + nonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if err := s.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="); err != nil {
		t.Error(err)
	}
	for _, last := range []string{"", "v=", "e=other-error", "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="} {
		if s.verify(last) == nil {
			t.Errorf("%q proves nothing", last)
		}
	}
	for name, challenge := range map[string]string{
		"another nonce": "r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "our nonce alone": "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"no salt": nonce + ",i=4096", "salt": nonce + ",s=%,i=4096", "too few": nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
		"too many": nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000", "no number": nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=x", "nothing": "",
	} {
		if _, err := s.final(challenge); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	if got := (&scram{user: "a=b,c", nonce: "n"}).first(); got != "n,,n=a=3Db=2Cc,r=n" {
		t.Error(got)
	}
}

func TestLogin(t *testing.T) {
	const canary = "canary-91aa"
	rights := []string{"replSetGetStatus", "replSetGetConfig", "find"}
	for _, tc := range []struct {
		name, user, password string
		rights               []string
		want, why            string
	}{
		{"with exactly the rights", "fettle", canary, rights, "", ""},
		{"another password", "fettle", "wrong-" + canary, rights, cluster.BadAuth, "Authentication failed"},
		{"another user", "nobody", canary, rights, cluster.BadAuth, "Authentication failed"},
		{"no login", "", "", rights, cluster.BadAuth, "requires authentication"},
		{"beyond ASCII", "fettle", "pässword-" + canary, rights, cluster.BadAuth, "beyond ASCII"},
		{"without the status", "fettle", canary, rights[1:], cluster.BadAuth, "not authorized"},
		{"without the oplog", "fettle", canary, rights[:2], cluster.BadAuth, "not authorized"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := mongodbtest.Start(t, 1, mongodbtest.Options{User: "fettle", Password: canary, Rights: tc.rights, Checksum: true})
			c := s.Inventory("c")
			if tc.user != "" {
				c.Read = cluster.Login{Username: tc.user, PasswordFile: secret(t, tc.password)}
			}
			m := patient(t, c).View(t.Context()).Members[0]
			if m.Error != tc.want || !strings.Contains(m.Why, tc.why) || strings.Contains(m.Why, canary) {
				t.Errorf("%q %s, want %q %s", m.Error, m.Why, tc.want, tc.why)
			}
		})
	}
}

func TestSetsName(t *testing.T) {
	s := mongodbtest.Start(t, 1, mongodbtest.Options{})
	c := s.Inventory("c")
	c.MongoDB.Set = "rs0"
	if m := patient(t, c).View(t.Context()).Members[0]; !m.Reachable {
		t.Errorf("%+v", m)
	}
	c.MongoDB.Set = "rs1"
	if m := patient(t, c).View(t.Context()).Members[0]; m.Reachable || !strings.Contains(m.Why, `of the set "rs0" answers, not of "rs1"`) {
		t.Errorf("%+v", m)
	}
}
