package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair/action"
)

// printPolkit prints the rules that let fettle's user do to units what the configuration
// in the folder has playbooks for.
func (c *initCommand) printPolkit() error {
	file := filepath.Join(c.dir, filepath.Base(config.DefaultFile))
	conf, err := config.Load(file)
	if err != nil {
		return fmt.Errorf("the rules are made from the configuration: %w", err)
	}
	loaded, err := conf.LoadPlaybooks(playbooks.Files(), action.Table(action.Deps{}))
	if err != nil {
		return err
	}
	rules, err := config.Polkit(conf, loaded, cmp.Or(c.user, "fettle"))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if c.output.json() {
		return printJSON(map[string]string{"file": "/etc/polkit-1/rules.d/50-fettle.rules", "rules": rules})
	}
	_, err = os.Stdout.WriteString(rules)
	return err
}
