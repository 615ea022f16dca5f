package inventory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestClocks(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want Clocks
		err  string // part of it
	}{
		"none":               {"{}", Clocks{}, ""},
		"compared":           {"clocks: {compare: true}", Clocks{Compare: true}, ""},
		"all of it":          {"clocks: {compare: true, port: 9, tls: {ca_file: /ca}, read: {username: u, password_file: /p}}", Clocks{true, 9, cluster.TLS{CAFile: "/ca"}, cluster.Login{Username: "u", PasswordFile: "/p"}}, ""},
		"not compared":       {"clocks: {port: 9}", Clocks{}, "1:9: clocks are declared and not compared"},
		"no port":            {"clocks: {compare: true, port: 70000}", Clocks{}, "1:31: port 70000 is none"},
		"half a login":       {"clocks: {compare: true, read: {username: u}}", Clocks{}, "a login needs both"},
		"half a certificate": {"clocks: {compare: true, tls: {cert_file: /c}}", Clocks{}, "needs both cert_file and key_file"},
		"a relative path":    {"clocks: {compare: true, tls: {ca_file: ca.pem}}", Clocks{}, "ca_file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "exporter.yml")
			if err := os.WriteFile(path, []byte(tc.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			e, err := LoadExporter(path)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || e.Clocks != tc.want {
				t.Errorf("got %+v, %v", e.Clocks, err)
			}
		})
	}
}
