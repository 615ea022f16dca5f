package config_test

import (
	"testing"

	"github.com/fettle-io/fettle/internal/config"
)

func TestExecutor(t *testing.T) {
	for text, want := range map[string]string{
		"":              "",
		"systemd":       "",
		"process-group": "",
		"unit":          `fettle.yml:1:23: unknown executor "unit"; known here: process-group, systemd`,
	} {
		c, err := config.Parse("fettle.yml", []byte("playbooks: {executor: "+text+" }\n"))
		if text == "" {
			c, err = config.Parse("fettle.yml", nil)
		}
		switch {
		case err != nil && err.Error() != want:
			t.Errorf("%q: %s, want %s", text, err, want)
		case err == nil && (want != "" || c.Playbooks.Executor != text):
			t.Errorf("%q: %+v", text, c.Playbooks)
		}
	}
}
