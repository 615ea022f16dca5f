package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/discovery"
	"github.com/fettle-io/fettle/internal/inventory"
	"github.com/fettle-io/fettle/internal/scaffold"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/promql"
)

// initCommand finds what there is, and writes the first files.
type initCommand struct {
	etcd, prometheus string
	alertmanagers    []string
	prometheusCA     string
	prometheusToken  string
	dir, name, user  string
	force, polkit    bool
	tls              cluster.TLS
	read             cluster.Login
	output           output
}

func registerInit(app *kingpin.Application) map[string]command {
	c := &initCommand{}
	clause := app.Command("init", "Write a first configuration from what is there: fettle.yml, exporter.yml, a token for each role, and what Prometheus and Alertmanager have to be told.").
		HelpLong("It asks, and changes nothing but the files that it writes. What fettle may do is set to observe.\nUnit and data directory of a member on this machine are found when it runs as root. Nothing that\nis there is overwritten without --force.\n\nExamples:\n  sudo fettle init --etcd=http://127.0.0.1:2379 --prometheus=http://127.0.0.1:9090\n  fettle init --etcd=https://etcd1:2379 --ca-file=/etc/etcd/ca.crt --dir=./fettle")
	clause.Flag("etcd", "Client URL of any one member of the etcd cluster.").PlaceHolder("URL").StringVar(&c.etcd)
	clause.Flag("prometheus", "A Prometheus: without --etcd the clusters are looked for among its targets.").PlaceHolder("URL").StringVar(&c.prometheus)
	clause.Flag("alertmanager", "An Alertmanager that will send alerts here; repeat it for each. Default: those that Prometheus sends to.").PlaceHolder("URL").StringsVar(&c.alertmanagers)
	clause.Flag("dir", "Where the files go. In another folder than the default one the journal and the socket are kept there too.").Default(filepath.Dir(config.DefaultFile)).StringVar(&c.dir)
	clause.Flag("cluster", "What to call the cluster.").Default("main").StringVar(&c.name)
	clause.Flag("user", "The user that fettle runs as: the tokens are given to it. Default: fettle, in the default folder and where there is such a user.").StringVar(&c.user)
	clause.Flag("force", "Replace files that are there; tokens are kept.").BoolVar(&c.force)
	clause.Flag("ca-file", "etcd: the CA of its certificates. Files are named in the configuration, not copied.").PlaceHolder("FILE").StringVar(&c.tls.CAFile)
	clause.Flag("cert-file", "etcd: a client certificate.").PlaceHolder("FILE").StringVar(&c.tls.CertFile)
	clause.Flag("key-file", "etcd: its key.").PlaceHolder("FILE").StringVar(&c.tls.KeyFile)
	clause.Flag("server-name", "etcd: the name that its certificates have, where it is not the host's.").StringVar(&c.tls.ServerName)
	clause.Flag("username", "etcd: a user who may look.").StringVar(&c.read.Username)
	clause.Flag("password-file", "etcd: the file with its password.").PlaceHolder("FILE").StringVar(&c.read.PasswordFile)
	clause.Flag("prometheus-ca-file", "Prometheus: the CA of its certificate.").PlaceHolder("FILE").StringVar(&c.prometheusCA)
	clause.Flag("prometheus-token-file", "Prometheus: a bearer token.").PlaceHolder("FILE").StringVar(&c.prometheusToken)
	clause.Flag("polkit", "Print the polkit rules for the units in DIR/fettle.yml instead, and write nothing.").BoolVar(&c.polkit)
	c.output.flag(clause)
	return map[string]command{"init": c}
}

// initReport is what was found and written.
type initReport struct {
	Clusters []initCluster      `json:"clusters"`
	Jobs     []discovery.Job    `json:"jobs,omitempty"` // that Prometheus scrapes already
	Files    []scaffold.Written `json:"files"`
	Notes    []string           `json:"notes"`
	Next     []string           `json:"next"`
}

type initCluster struct {
	Name    string           `json:"name"`
	ID      string           `json:"id"`
	Members []cluster.Member `json:"members"`
}

func (c *initCommand) run(ctx context.Context, _ *slog.Logger) error {
	if c.polkit {
		return c.printPolkit()
	}
	if err := c.absolute(); err != nil {
		return err
	}
	in, notes, err := c.find(ctx)
	if err != nil {
		return err
	}
	files, err := scaffold.Files(in, nil)
	if err != nil {
		return err
	}
	if err := c.checked(files); err != nil {
		return err
	}
	owner, err := c.owner()
	if err != nil {
		return err
	}
	written, err := scaffold.Write(c.dir, files, owner, c.force)
	if err != nil {
		return err
	}
	r := initReport{Clusters: []initCluster{}, Jobs: in.Jobs, Files: written, Notes: append([]string{}, notes...), Next: c.next(in)}
	for _, found := range in.Clusters {
		r.Clusters = append(r.Clusters, initCluster{found.Name, found.ID, found.Members})
		for i, s := range found.Seen {
			for _, n := range s.Notes {
				r.Notes = append(r.Notes, fmt.Sprintf("%s/%s: %s", found.Name, found.Members[i].Name, n))
			}
		}
	}
	if c.output.json() {
		return printJSON(r)
	}
	return r.print(in, files)
}

// absolute checks what was given, and makes the paths such as a configuration has them.
func (c *initCommand) absolute() error {
	if c.etcd == "" && c.prometheus == "" {
		return usageError{errors.New("say where to look: --etcd=URL of one member, or --prometheus=URL")}
	}
	for _, u := range append([]string{c.etcd, c.prometheus}, c.alertmanagers...) {
		if problem := inventory.URLProblem(u); u != "" && problem != "" {
			return usageError{fmt.Errorf("%s %s", inventory.ShownURL(u), problem)}
		}
	}
	for _, p := range []*string{
		&c.dir, &c.tls.CAFile, &c.tls.CertFile, &c.tls.KeyFile, &c.read.PasswordFile, &c.prometheusCA, &c.prometheusToken,
	} {
		if *p == "" {
			continue
		}
		whole, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = whole
	}
	return nil
}

func (c *initCommand) installed() bool { return c.dir == filepath.Dir(config.DefaultFile) }

// packagedRules is where the packages put the rules.
const packagedRules = "/usr/share/fettle/rules"

// find asks what is there.
func (c *initCommand) find(ctx context.Context) (in scaffold.Inputs, notes []string, err error) {
	host, err := os.Hostname()
	if err != nil {
		return in, nil, err
	}
	manager := service.NewSystemd(service.SystemdOptions{Timeout: 2 * time.Second})
	defer manager.Close()
	o := discovery.Options{Host: host, Local: discovery.LocalAddresses(host), Process: discovery.Listening(manager.UnitOf)}
	with := discovery.Credentials{TLS: c.tls, Read: c.read}
	in = scaffold.Inputs{
		Dir: c.dir, Installed: c.installed(), From: cmp.Or(c.etcd, c.prometheus), Today: time.Now(),
		Prometheus: c.prometheus, PrometheusTLS: cluster.TLS{CAFile: c.prometheusCA}, PrometheusKey: c.prometheusToken, Alertmanagers: c.alertmanagers,
	}
	if in.Installed && exists(packagedRules) {
		in.Rules = packagedRules + "/*.rules.yml"
	}
	if c.etcd != "" {
		found, err := discovery.Etcd(ctx, c.name, c.etcd, with, o)
		if err != nil {
			return in, nil, err
		}
		in.Clusters = []discovery.Cluster{found}
	}
	if c.prometheus == "" {
		return in, nil, nil
	}
	asked, err := c.askPrometheus(ctx, with, o)
	if err != nil {
		return in, nil, err
	}
	in.Interval, in.Jobs = asked.Interval, asked.Jobs
	if len(in.Alertmanagers) == 0 {
		in.Alertmanagers = asked.Alertmanagers
	}
	if c.etcd == "" {
		in.Clusters = asked.Clusters
	}
	if len(in.Clusters) == 0 {
		return in, nil, fmt.Errorf("%s scrapes no etcd that answers: give one member's client URL with --etcd%s", c.prometheus, listed(asked.Notes))
	}
	return in, asked.Notes, nil
}

func listed(notes []string) string {
	s := ""
	for _, n := range notes {
		s += "\n" + n
	}
	return s
}

func (c *initCommand) askPrometheus(ctx context.Context, with discovery.Credentials, o discovery.Options) (discovery.Monitoring, error) {
	rt, err := toPrometheus(c.prometheusCA, c.prometheusToken)
	if err != nil {
		return discovery.Monitoring{}, err
	}
	client, err := promql.New(promql.Options{URL: c.prometheus, Transport: rt})
	if err != nil {
		return discovery.Monitoring{}, err
	}
	if c.etcd != "" { // which clusters there are was said
		o.Process = nil
	}
	m, err := discovery.Prometheus(ctx, c.name, client, with, o)
	if err != nil {
		return m, fmt.Errorf("%s: %w", c.prometheus, err)
	}
	return m, nil
}

// toPrometheus is the transport to a Prometheus.
func toPrometheus(caFile, tokenFile string) (http.RoundTripper, error) {
	o := promconfig.HTTPClientConfig{TLSConfig: promconfig.TLSConfig{CAFile: caFile}}
	if tokenFile != "" {
		o.Authorization = &promconfig.Authorization{Type: "Bearer", CredentialsFile: tokenFile}
	}
	return promconfig.NewRoundTripperFromConfig(o, "prometheus")
}

// checked refuses to write a configuration that fettle would not take.
func (c *initCommand) checked(files []scaffold.File) error {
	for _, f := range files {
		if f.Name != "fettle.yml" {
			continue
		}
		if _, err := config.Parse(filepath.Join(c.dir, f.Name), f.Content); err != nil {
			return fmt.Errorf("what was found makes no configuration that fettle takes, and nothing was written. Put it right there, or write the file by hand (docs/examples/fettle.yml):\n%w", err)
		}
	}
	return nil
}

// owner is fettle's user; nil: whoever runs this.
func (c *initCommand) owner() (*scaffold.Owner, error) {
	name := c.user
	if name == "" && (!c.installed() || os.Geteuid() != 0) {
		return nil, nil
	}
	u, err := user.Lookup(cmp.Or(name, "fettle"))
	if err != nil && name == "" {
		return nil, nil //nolint:nilerr // there is no such user yet
	}
	if err != nil {
		return nil, fmt.Errorf("--user: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, fmt.Errorf("--user: %w", err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, fmt.Errorf("--user: %w", err)
	}
	return &scaffold.Owner{UID: uid, GID: gid}, nil
}
