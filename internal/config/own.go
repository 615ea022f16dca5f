package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// OwnJournal is where journal and key go when a user runs fettle for themselves,
// without a configuration and without the right to write to the default places:
// separate folders under XDG_STATE_HOME and XDG_CONFIG_HOME (ENGINE.md rule 18).
func OwnJournal() (Journal, error) {
	state, err := own("XDG_STATE_HOME", ".local", "state")
	if err != nil {
		return Journal{}, err
	}
	conf, err := own("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return Journal{}, err
	}
	return Journal{Dir: filepath.Join(state, "journal"), KeyFile: filepath.Join(conf, "journal.key")}, nil
}

// OwnSocket is the unix socket of such a fettle; empty where XDG_RUNTIME_DIR is not set.
func OwnSocket() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "fettle", "fettle.sock")
}

func own(variable string, fallback ...string) (string, error) {
	if dir := os.Getenv(variable); dir != "" {
		return filepath.Join(dir, "fettle"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("neither $%s nor a home directory is known: %w", variable, err)
	}
	return filepath.Join(home, filepath.Join(fallback...), "fettle"), nil
}
