package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/alecthomas/kingpin/v2"
	"golang.org/x/term"

	"github.com/fettle-io/fettle/internal/demo"
)

// demoCommand is `fettle demo`. The commands that it starts itself, `fettle demo
// member` and `fettle demo supervisor`, are taken by demo.Hidden before anything is
// parsed.
type demoCommand struct {
	output output
	show   demo.Show
	fault  string
}

func registerDemo(app *kingpin.Application) map[string]command {
	c := &demoCommand{}
	clause := app.Command("demo", "Show one whole repair: a real etcd member is killed, and brought back.").
		HelpLong("Starts three etcd members, Prometheus, Alertmanager, fettle_exporter and fettle serve on free loopback ports,\nwrites all the time, breaks a member, and prints what follows. It needs no root and changes nothing else.\nExits 1 if the member is not repaired, an acknowledged write is lost, or the journal does not verify.\n\nExample:\n  fettle demo --cycles=10 --fault=kill")
	clause.Flag("cycles", "How often a random member is broken; from 2 on, min, median and max are printed.").Default("1").IntVar(&c.show.Cycles)
	clause.Flag("fault", "kill (SIGKILL) or hang (SIGSTOP).").Default(string(demo.Kill)).EnumVar(&c.fault, string(demo.Kill), string(demo.Hang))
	clause.Flag("seed", "Choose the members as an earlier demo did, which printed its seed. 0 is a new one.").Default("0").Uint64Var(&c.show.Seed)
	clause.Flag("keep", "Leave everything running, and print where; Ctrl-C stops it.").BoolVar(&c.show.Keep)
	clause.Flag("observe", "Start everything with autonomy observe, break nothing, and leave it running: for the tutorial. Ctrl-C stops it.").BoolVar(&c.show.Observe)
	clause.Flag("dir", "Where the files go, and stay: a folder that is not there yet. Default: a temporary one.").PlaceHolder("DIR").StringVar(&c.show.Dir)
	clause.Flag("strict", "Exit 1 also when a figure misses its limit: for benchmarks.").BoolVar(&c.show.Strict)
	c.output.flag(clause)
	return map[string]command{"demo": c}
}

func (c *demoCommand) run(ctx context.Context, _ *slog.Logger) (err error) {
	s := c.show
	s.Fault, s.JSON, s.Out = demo.FaultKind(c.fault), c.output.json(), os.Stdout
	s.Terminal = term.IsTerminal(int(os.Stdout.Fd()))
	if s.Fettle, err = os.Executable(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return demo.Run(ctx, s)
}
