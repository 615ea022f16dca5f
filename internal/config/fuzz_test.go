package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// FuzzConfig: whatever fettle.yml says, it is taken or refused with a place and one
// line of plain text for each error; what is taken never lets anybody from outside
// in without a role, never acts without roles, and is the same when read again.
func FuzzConfig(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	seeds = append(seeds, "../../docs/examples/fettle.yml")
	for _, path := range seeds {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("fettle.yml", data)
		if err != nil {
			var all strictyaml.Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("an error without a place: %v", err)
			}
			for _, e := range all {
				if e.File != "fettle.yml" || e.What == "" || !plain(e.What) {
					t.Fatalf("not one line of plain text: %+q", e)
				}
			}
			return
		}
		if len(c.Web.Roles) == 0 && (!strings.HasPrefix(c.Web.Listen, "localhost:") && !strings.HasPrefix(c.Web.Listen, "127.") && !strings.HasPrefix(c.Web.Listen, "[") || c.Autonomy.above() != nil) {
			t.Fatalf("without roles: listens on %s, autonomy %+v", c.Web.Listen, c.Autonomy)
		}
		for _, cl := range c.Clusters {
			for _, m := range cl.Members {
				if m.Host == "" || m.Name == "" || cl.Name == "" {
					t.Fatalf("a member without name or host: %+v", m)
				}
			}
		}
		for _, tier := range []repair.Tier{repair.P0, repair.P1, repair.P2} {
			if s := c.Settings(tier, "demo", "etcd-member-restart"); s.Look < shortest || s.Settle < shortest || s.EagerLooks < 1 || s.StepAttempts < 1 {
				t.Fatalf("tier %s: settings %+v", tier, s)
			}
		}
		again, err := Parse("fettle.yml", data)
		if err != nil {
			t.Fatalf("taken, and then: %v", err)
		}
		c.doc, again.doc = nil, nil
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("read twice:\n%+v\n%+v", c, again)
		}
	})
}

// plain is text that plays no tricks on a terminal.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}
