// Command fettle_exporter serves the metrics of a machine and of the etcd
// clusters in its inventory. It only reads, needs no privileges, and links
// neither the repair engine nor an action.
//
// Here are the flags and the signals; server.go has the HTTP routes and the
// reload, and package exporter the collectors.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"

	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/exporter/chrony"
	"github.com/fettle-io/fettle/exporter/ntpd"
)

const (
	defaultConfig  = "/etc/fettle/exporter.yml"
	defaultAddress = ":9773"
	// drainTime is what scrapes under way get at the end.
	drainTime = 5 * time.Second
	// gcPercent collects garbage a little sooner than usual: a scrape makes next to
	// none, so that it is the rare collection that decides how long the slowest takes.
	gcPercent = 80
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	f, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "fettle_exporter: %v, try --help\n", err)
		return 2
	}
	if f.print != nil {
		if err := f.print(os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "fettle_exporter: %v\n", err)
			return 1
		}
		return 0
	}
	log := promslog.New(f.log)
	slog.SetDefault(log) // net/http prints what a hostile server says unasked: as a line of the log, escaped
	log.Info("Starting fettle_exporter", "version", version.Info(), "build_context", version.BuildContext())
	if os.Geteuid() == 0 {
		log.Warn("fettle_exporter runs as root, which it does not need")
	}
	runtime.GOMAXPROCS(f.processors) // 0 changes nothing
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := serve(f, log); err != nil {
		log.Error("fettle_exporter ends", "err", err)
		return 1
	}
	log.Info("fettle_exporter ends")
	return 0
}

// flags are the command line.
type flags struct {
	log             *promslog.Config
	addresses       []string
	systemdSocket   bool
	webConfig       string
	telemetryPath   string
	maxRequests     int
	hideOwn         bool
	config          string
	configSet       bool // named on the command line: must be there
	disableDefaults bool
	collectors      map[string]bool // those named on the command line
	host            exporter.Host
	processors      int // 0: all
	hostNames       []string
	print           func(io.Writer) error // instead of serving
}

func parse(args []string) (flags, error) {
	f := flags{log: &promslog.Config{}, collectors: map[string]bool{}}
	app := kingpin.New("fettle_exporter", about)
	var instead printed
	instead.flags(app)
	app.Version(version.Print("fettle_exporter"))
	app.HelpFlag.Short('h')
	app.Flag("config.file", "Configuration file: the clusters to look at, and which collectors are enabled. Without the default file there are no clusters.").
		Default(defaultConfig).IsSetByUser(&f.configSet).StringVar(&f.config)
	app.Flag("web.telemetry-path", "Path under which to serve the metrics.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag("web.max-requests", "Scrapes that are served at a time. 0 is no limit.").Default("40").IntVar(&f.maxRequests)
	app.Flag("web.disable-exporter-metrics", "Leave out the exporter's own metrics (go_*, process_*, promhttp_*).").BoolVar(&f.hideOwn)
	app.Flag("path.procfs", "Where the machine's procfs is mounted.").Default("/proc").StringVar(&f.host.Proc)
	app.Flag("path.rootfs", "Where the machine's root is mounted.").Default("/").StringVar(&f.host.Root)
	app.Flag("path.sysfs", "Where the machine's sysfs is mounted.").Default("/sys").StringVar(&f.host.Sys)
	app.Flag("time.chrony-address", "Where the machine's chronyd takes commands.").Default(chrony.Address).StringVar(&f.host.Chrony)
	app.Flag("time.ntpd-address", "Where the machine's ntpd answers ntpq, if no chronyd runs. `none`: it is not asked.").Default(ntpd.Address).StringVar(&f.host.NTPD)
	app.Flag("runtime.gomaxprocs", "CPUs that the exporter uses at a time. 0 is all of them: the kernel's locks make that dearer, and little faster.").Envar("GOMAXPROCS").Default("1").IntVar(&f.processors)
	app.Flag("collector.disable-defaults", "Enable no collector but those named in flags and in the configuration file.").BoolVar(&f.disableDefaults)
	table := exporter.Collectors()
	values, set := make([]bool, len(table)), make([]bool, len(table))
	for i, e := range table {
		app.Flag("collector."+e.Name, "Collector of "+e.Help+".").Default(fmt.Sprint(e.Default)).IsSetByUser(&set[i]).BoolVar(&values[i])
	}
	app.Flag("collector.textfile.directory", "Directory of *.prom files whose metrics are served as well. Empty: none.").StringVar(&f.host.Textfiles)
	unitPatterns(app, &f.host.Units)
	app.Flag("host.name", "A name of this machine under which the configuration file's members have it as `host`, beside its own names and addresses. Repeatable.").StringsVar(&f.hostNames)
	app.Flag("web.listen-address", "Where to listen, such as `:9773` or `[::1]:9773`. Repeatable.").Default(defaultAddress).StringsVar(&f.addresses)
	if runtime.GOOS == "linux" {
		app.Flag("web.systemd-socket", "Use systemd socket activation listeners instead of port listeners (Linux only).").BoolVar(&f.systemdSocket)
	}
	app.Flag("web.config.file", "Prometheus web configuration file that can enable TLS, client certificates and users.").StringVar(&f.webConfig)
	promslogflag.AddFlags(app, f.log)
	if _, err := app.Parse(args); err != nil {
		return flags{}, err
	}
	f.print = instead.text(app)
	if f.processors < 0 {
		return flags{}, fmt.Errorf("--runtime.gomaxprocs=%d: want a number of CPUs, or 0 for all", f.processors)
	}
	for i, e := range table {
		if set[i] {
			f.collectors[e.Name] = values[i]
		}
	}
	if !strings.HasPrefix(f.telemetryPath, "/") {
		return flags{}, fmt.Errorf("--web.telemetry-path=%q: want a path that begins with /", f.telemetryPath)
	}
	return f, nil
}

// serve serves until SIGTERM or SIGINT; SIGHUP reads the configuration again.
func serve(f flags, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	s, err := newServer(f, log)
	if err != nil {
		return err
	}
	defer s.close()

	listeners, err := listen(ctx, f)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s.door.Demand(s), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if err := giveBack(); err != nil {
		log.Debug("The memory that only the start needed stays", "err", err)
	}
	ended := make(chan error, len(listeners))
	serving := s.door.Guard(server)
	for _, l := range listeners {
		go func() { ended <- serving(l) }()
	}
	for {
		select {
		case <-hangups:
			// A failed reload is logged and told by a metric; what served goes on.
			_ = s.reload()
		case err := <-ended:
			return err
		case <-ctx.Done():
			log.Info("Stopping", "reason", context.Cause(ctx))
			return drain(server)
		}
	}
}

// drain lets the scrapes under way end, and cuts them off after drainTime.
func drain(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
