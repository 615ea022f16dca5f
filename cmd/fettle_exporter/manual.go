package main

import (
	"io"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/fettle-io/fettle/internal/manual"
)

// about is the first line of the help, with an example.
const about = `Prometheus exporter for the state of a machine and of its etcd clusters.

Example:
  fettle_exporter --config.file=/etc/fettle/exporter.yml`

// printed is what is printed instead of serving.
type printed struct {
	man   bool
	shell string
}

func (p *printed) flags(app *kingpin.Application) {
	app.Flag("man", "Print the manual page, for man, and end.").BoolVar(&p.man)
	app.Flag("completion", "Print a script that completes this command line in a shell, and end.").
		PlaceHolder("SHELL").EnumVar(&p.shell, manual.Shells()...)
}

// text is what to print; nil: serve.
func (p *printed) text(app *kingpin.Application) func(io.Writer) error {
	switch {
	case p.shell != "":
		return func(w io.Writer) error {
			script, _ := manual.Completion(p.shell, "fettle_exporter")
			_, err := io.WriteString(w, script)
			return err
		}
	case p.man:
		return func(w io.Writer) error { return page().Write(w, app.Model()) }
	}
	return nil
}

func page() manual.Page {
	return manual.Page{
		Section: 8, Version: version.Version,
		Description: []string{
			"fettle_exporter publishes metrics of the machine that it runs on (processors, memory, file systems, disks, network) and of the etcd clusters in its configuration (quorum, leader, indexes, lag), for Prometheus.",
			"It only reads, needs no privileges, and can change nothing. Without a configuration it looks at its machine alone.",
			"SIGHUP, or a POST to /-/reload, makes it read its configuration again; one that is wrong is not taken, and a metric says so.",
		},
		Files:    [][2]string{{defaultConfig, "The configuration: the clusters to look at, and which collectors are enabled."}},
		Exits:    [][2]string{{"0", "It was told to end."}, {"1", "It could not serve."}, {"2", "The command line is wrong."}},
		Examples: append(manual.Examples(about), "fettle_exporter --collector.disable-defaults --collector.raft"),
		See:      []string{"fettle(1)", "prometheus(1)"},
	}
}
