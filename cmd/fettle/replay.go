package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/replay"
	"github.com/fettle-io/fettle/journal"
)

// replayCommand runs recorded alerts against other playbooks or settings, dry.
type replayCommand struct {
	journal   journalDir
	key       string
	playbooks string
	set       []string
	all       bool
	output    output
}

func registerReplay(cli *kingpin.Application) map[string]command {
	c := &replayCommand{}
	clause := cli.Command("replay", "Run a journal's alerts against other playbooks or settings, dry: what was decided then, and what would be now.").
		HelpLong("The engine decides again, at the recorded times, from what was recorded: nothing is looked at,\nand nothing done. Where something was not recorded it says so. The journal is verified first,\nand only read; it may be a copy, or that of a running fettle.\n\nExample:\n  fettle replay /var/lib/fettle/journal --set autonomy=auto\n  fettle replay ./copy --config.file=new.yml --playbooks=./playbooks --set cooldown=5m")
	clause.Flag("playbooks", "Playbooks beside those that come with fettle, instead of the configuration's.").PlaceHolder("DIR").StringVar(&c.playbooks)
	clause.Flag("set", "A setting instead of the configuration's: autonomy=LEVEL, one of the engine's numbers (cooldown=5m), or a path (overrides.clusters.main.cooldown=5m). Repeat it for each.").PlaceHolder("NAME=VALUE").StringsVar(&c.set)
	clause.Flag("key", "The verifier key, or a file that has it. Default: the one in the journal itself.").StringVar(&c.key)
	clause.Flag("all", "Show the episodes that would go the same way, too.").BoolVar(&c.all)
	c.journal.flags(clause)
	c.journal.archived(clause)
	c.output.flag(clause)
	return map[string]command{"replay": c}
}

func (c *replayCommand) run(ctx context.Context, _ *slog.Logger) error {
	found, err := c.journal.settings()
	if err != nil {
		return err
	}
	if err := c.verify(found); err != nil {
		return err
	}
	conf, err := c.config()
	if err != nil {
		return err
	}
	cfg, err := app.EngineConfig(conf, version.Version, slog.New(slog.DiscardHandler)) // its warnings are fettle check's to tell
	if err != nil {
		return err
	}
	told, err := replay.Run(cfg, func(fn func(journal.Record) error) error {
		return c.journal.read(nil, func(r journal.Record) error {
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			return fn(r)
		})
	})
	if err != nil {
		return err
	}
	if c.output.json() {
		return printJSON(told)
	}
	return c.print(told)
}

// verify refuses a journal that is damaged: what it says proves nothing.
func (c *replayCommand) verify(found config.Journal) error {
	v := journalVerify{key: c.key}
	key, err := v.verifierKey(found.Dir)
	if err != nil {
		return err
	}
	_, err = journal.Verify(found.Dir, key, journal.VerifyOptions{Archive: found.Archive.Dir})
	if errors.Is(err, fs.ErrNotExist) {
		return noJournal(found.Dir, err)
	}
	if err != nil {
		return fmt.Errorf("the journal does not verify, so it is not replayed: %w", err)
	}
	return nil
}

// config is the configuration with what --set and --playbooks say instead.
func (c *replayCommand) config() (config.Config, error) {
	settings := make([][2]string, 0, len(c.set))
	for _, s := range c.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return config.Config{}, usageError{fmt.Errorf("--set %q: write NAME=VALUE, such as autonomy=auto", s)}
		}
		settings = append(settings, [2]string{name, value})
	}
	conf, err := config.LoadWith(c.journal.config.path, !c.journal.config.set, settings)
	if err != nil {
		return config.Config{}, err
	}
	if c.playbooks != "" {
		conf.Playbooks.Dir = c.playbooks
	}
	if len(conf.Clusters) == 0 {
		return config.Config{}, fmt.Errorf("the configuration has no clusters, so that no alert has a target: name the one to replay against with --config.file=FILE")
	}
	return conf, nil
}

func (c *replayCommand) print(r replay.Report) error {
	for _, ep := range r.Episodes {
		if ep.Same && !c.all {
			continue
		}
		what := "different"
		switch {
		case ep.Same:
			what = "same"
		case ep.Missing != "" && len(ep.Now) == 0:
			what = "not told"
		}
		if err := say("%s  %s %s  %s", clock(ep.Opened), ep.Alertname, ep.Target, what); err != nil {
			return err
		}
		rows := [][2]string{{"then", strings.Join(ep.Then, ", ")}, {"now", strings.Join(ep.Now, ", ")}}
		if ep.Recorded == "" {
			rows[0][1] = "no episode"
		}
		if ep.Why != "" && !ep.Same {
			rows = append(rows, [2]string{"why", ep.Why})
		}
		if ep.Missing != "" {
			rows = append(rows, [2]string{"", ep.Missing})
		}
		for _, row := range rows {
			if err := say("  %-5s %s", row[0], row[1]); err != nil {
				return err
			}
		}
	}
	for _, n := range r.Notes {
		if err := say("note: %s", n); err != nil {
			return err
		}
	}
	return say("%s of %s: %d the same, %d different, %d not told to their end", plural(len(r.Episodes), "episode"), plural(r.Records, "record"), r.Same, r.Different, r.Untold)
}
