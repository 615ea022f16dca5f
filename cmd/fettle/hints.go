package main

import (
	"context"
	"os"
	"regexp"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/pages"
)

// hintTime is how long a shell waits for a server's answer.
const hintTime = 500 * time.Millisecond

// hints has the arguments and flags of all commands completed by what there is. They are known
// by their names.
func hints(app *kingpin.Application) {
	byName := map[string]kingpin.HintAction{
		"id": known, "alert": known, "episode": episodes, "run": runs,
		"playbook": pagesOf("playbook"), "guard": pagesOf("guard"), "name": pagesOf(""),
	}
	flags := map[string]kingpin.HintAction{"episode": episodes, "playbook": pagesOf("playbook"), "target": targets, "cluster": clusters}
	for _, c := range app.Model().Commands {
		clause := app.GetCommand(c.Name)
		for _, a := range c.Args {
			if hint := byName[a.Name]; hint != nil && (a.Name != "name" || c.Name == "docs") {
				clause.GetArg(a.Name).HintAction(hint)
			}
		}
		for _, f := range c.Flags {
			if hint := flags[f.Name]; hint != nil {
				clause.GetFlag(f.Name).HintAction(hint)
			}
		}
	}
}

// pagesOf are the names that the documentation has pages for.
func pagesOf(kind string) kingpin.HintAction {
	return func() (names []string) {
		library, err := pages.All(docs.Files())
		if err != nil {
			return nil
		}
		for _, p := range library.Pages {
			if kind == "" || p.Kind == kind {
				names = append(names, p.Name)
			}
		}
		return plainWords(names)
	}
}

// known is whatever can be explained.
func known() []string {
	var names []string
	for _, e := range listEpisodes() {
		names = append(names, e.ID, e.Target)
	}
	return plainWords(append(names, runs()...))
}

func targets() []string {
	var names []string
	for _, e := range listEpisodes() {
		names = append(names, e.Target)
	}
	return plainWords(names)
}

func clusters() []string {
	var names []string
	ask(func(ctx context.Context, c *api.Client) error {
		all, err := c.Playbooks(ctx)
		for _, p := range all {
			for _, at := range p.Clusters {
				names = append(names, at.Cluster)
			}
		}
		return err
	})
	return plainWords(names)
}

func episodes() []string {
	var names []string
	for _, e := range listEpisodes() {
		names = append(names, e.ID)
	}
	return plainWords(names)
}

func listEpisodes() (all []api.Episode) {
	ask(func(ctx context.Context, c *api.Client) (err error) {
		all, err = c.Episodes(ctx, api.Filter{})
		return err
	})
	return all
}

func runs() []string {
	var names []string
	ask(func(ctx context.Context, c *api.Client) error {
		all, err := c.Runs(ctx, api.Filter{})
		for _, r := range all {
			names = append(names, r.ID)
		}
		return err
	})
	return plainWords(names)
}

// ask asks the server that the environment or the default configuration names. A
// server that cannot be asked completes nothing.
func ask(question func(ctx context.Context, c *api.Client) error) {
	c := connection{
		server: os.Getenv("FETTLE_SERVER"), who: credentials{tokenFile: os.Getenv("FETTLE_TOKEN_FILE")},
		config: configFile{path: config.DefaultFile},
	}
	server, err := c.dial()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), hintTime)
	defer cancel()
	_ = question(ctx, server.client)
}

// word is what may be handed to a shell.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,126}$`)

// plainWords leaves out twice the same, and what is no plain word: what stands in labels
// does not reach a shell.
func plainWords(names []string) (out []string) {
	seen := map[string]bool{}
	for _, n := range names {
		if word.MatchString(n) && !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}
