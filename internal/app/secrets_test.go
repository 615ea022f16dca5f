package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/repair"
)

// What other files name is a secret as what the configuration does: the token of a
// playbook's request, and the key beside the web configuration.
func TestSecretsOfOtherFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"web.yml": "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n", "k.pem": "canary-key-0123456789\n", "lb.token": "canary-token-0123456789\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := secrets{config: func() loaded {
		return loaded{Config: config.Config{Web: config.Web{ConfigFile: filepath.Join(dir, "web.yml")}}}
	}}
	s.ofPlaybooks([]*repair.Playbook{{Steps: []repair.Step{{}, {HTTP: &repair.HTTP{TokenFile: filepath.Join(dir, "lb.token")}}}}})
	got := s.redactor().String("it said canary-key-0123456789 and canary-token-0123456789.")
	if strings.Contains(got, "canary") || !strings.HasPrefix(got, "it said ") {
		t.Error(got)
	}
}
