package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stay starts a stage, says where everything is, and leaves it alone until ctx ends.
func (s Show) stay(ctx context.Context, o Options, versions string, screen *printer) (err error) {
	screen.progress("starting etcd, Prometheus, Alertmanager, fettle_exporter and fettle serve")
	starting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	stage, err := Start(starting, o.orDefault())
	switch {
	case ctx.Err() != nil:
		return errors.Join(errInterrupted, stage.Close())
	case err != nil:
		return fmt.Errorf("start the demo: %w", err)
	}
	defer func() { err = errors.Join(err, stage.Close()) }()
	set := s.settings(stage, versions)
	screen.note("started", set.text(), set)
	if err := os.WriteFile(filepath.Join(o.Dir, "env"), []byte(stage.env()), 0o600); err != nil {
		return err
	}
	g := stage.guide()
	screen.note("kept running", g.text()+"for a shell:\n  . "+filepath.Join(o.Dir, "env")+"\n", g)
	<-ctx.Done()
	return nil
}

// env is what a shell reads to go on: where fettle is found, and the stage's files.
func (s *Stage) env() string {
	var b strings.Builder
	for _, v := range [][2]string{
		{"STAGE", s.Dir}, {"FETTLE_SERVER", "unix://" + s.ServerSocket()}, {"PROMETHEUS", s.URL("prometheus")}, {"ALERTMANAGER", s.URL("alertmanager")},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], quoted(v[1]))
	}
	fmt.Fprintf(&b, "export PATH=%s:\"$PATH\"\n", quoted(filepath.Dir(s.Fettle)))
	return b.String()
}

// quoted is a shell's word, whatever is in it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
