package app

import (
	"log/slog"
	"time"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// EngineConfig is what the engine of fettle serve would be told of a configuration, for
// a command that drives an engine of its own. Its actions reach nothing.
func EngineConfig(conf config.Config, version string, log *slog.Logger) (repair.Config, error) {
	a := &App{o: Options{Version: version, Log: log}, table: action.Table(action.Deps{})}
	return a.engineConfig(loaded{Config: conf, loaded: time.Now()})
}
