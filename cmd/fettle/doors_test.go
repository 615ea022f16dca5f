package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/internal/certtest"
)

// The command line and a fettle that serves over TLS: by token, user, certificate and
// unix socket, with what each may do, and what the one that may not is told.
func TestDoors(t *testing.T) {
	ca, dir := certtest.New(t, "ca"), t.TempDir()
	server := ca.Issue(dir, time.Hour, "127.0.0.1")
	cli, other := ca.Issue(t.TempDir(), time.Hour, "spiffe://example.org/oncall"), ca.Issue(t.TempDir(), time.Hour, "other.example")
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	viewer, password, wrong := file("viewer.token", "viewer-0123456789abcdef\n"), file("password", "correct horse\n"), file("wrong", "battery staple\n")
	// The password is "correct horse", its hash as cheap as bcrypt allows.
	web := file("web.yml", fmt.Sprintf(`tls_server_config: {cert_file: %s, key_file: %s, client_auth_type: VerifyClientCertIfGiven, client_ca_file: %s}
basic_auth_users: {alice: $2a$04$Ga3bkRr7xouS5yvZltvjIuHQv930C3i7VRfzSYXs2Kjc8/xWV8uiS}
`, server.CertFile, server.KeyFile, ca.File))
	config := file("fettle.yml", fmt.Sprintf(`journal: {dir: %[1]s/journal, key_file: %[1]s/journal.key}
brake: %[1]s/pause
web:
  socket: %[1]s/s
  config_file: %[2]s
  roles:
    - {role: viewer, token_file: %[3]s}
    - {role: operator, user: alice}
    - {role: operator, certificate_name: "spiffe://example.org/oncall"}
`, dir, web, viewer))
	a, err := app.New(t.Context(), app.Options{ConfigFile: config, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	https := "https://" + a.Addr()
	for name, tc := range map[string]struct {
		server string
		who    credentials
		actor  string // of the pause in the journal; empty: it is refused
		want   string // what the refused one is told
	}{
		"user":              {https, credentials{caFile: ca.File, user: "alice", passwordFile: password}, "alice", ""},
		"certificate":       {https, credentials{caFile: ca.File, certFile: cli.CertFile, keyFile: cli.KeyFile}, "spiffe://example.org/oncall", ""},
		"unix socket":       {"unix:" + dir + "/s", credentials{}, fmt.Sprintf("unix:%d", os.Geteuid()), ""},
		"viewer":            {https, credentials{caFile: ca.File, tokenFile: viewer}, "", "not allowed by " + https + ": role viewer may not POST /api/v1/pauses"},
		"nobody":            {https, credentials{caFile: ca.File}, "", https + " wants to know who asks"},
		"wrong password":    {https, credentials{caFile: ca.File, user: "alice", passwordFile: wrong}, "", https + " does not take alice with the password in " + wrong},
		"other certificate": {https, credentials{caFile: ca.File, certFile: other.CertFile, keyFile: other.KeyFile}, "", https + " does not take the certificate in " + other.CertFile},
		"no authority":      {https, credentials{tokenFile: viewer}, "", "give its authority's certificate with --ca-file=FILE"},
		"http":              {"http://" + a.Addr(), credentials{tokenFile: viewer}, "", "speaks TLS: write https://"},
	} {
		t.Run(name, func(t *testing.T) {
			c := connection{server: tc.server, who: tc.who}
			caller, err := c.dial()
			if err != nil {
				t.Fatal(err)
			}
			pause, err := caller.client.Pause(t.Context(), api.Pause{Reason: "upgrade"})
			if tc.actor != "" {
				if err != nil || pause.By != tc.actor {
					t.Errorf("paused by %q, want %q (%v)", pause.By, tc.actor, err)
				}
				if err := caller.client.Unpause(t.Context(), pause.ID, ""); err != nil {
					t.Error(err)
				}
				return
			}
			if err = caller.explained(err); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}
