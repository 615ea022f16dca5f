package main

import (
	"errors"
	"io/fs"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/internal/config"
)

// configFile is the configuration that a command looks into.
type configFile struct {
	path string
	set  bool // named on the command line: must be there
}

func (c *configFile) flag(clause *kingpin.CmdClause) {
	clause.Flag("config.file", "fettle's configuration. Without the default file the defaults hold.").
		Default(config.DefaultFile).IsSetByUser(&c.set).StringVar(&c.path)
}

// load reads it; without the default file it is the defaults.
func (c *configFile) load() (config.Config, error) {
	conf, err := config.Load(c.path)
	if errors.Is(err, fs.ErrNotExist) && !c.set {
		return config.Default(), nil
	}
	return conf, err
}
