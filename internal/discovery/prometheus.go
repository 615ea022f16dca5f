package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/promql"
)

// Monitoring is what a Prometheus tells.
type Monitoring struct {
	// Interval is how often it scrapes our exporter; 0: it does not yet.
	Interval      time.Duration
	Alertmanagers []string // base URLs
	Jobs          []Job    // by name
	Clusters      []Cluster
	// Notes say what looked like etcd and could not be asked.
	Notes []string
}

// Job is what is scraped under one name.
type Job struct {
	Name    string `json:"name"`
	Targets int    `json:"targets"`
	Up      int    `json:"up"`
	// Is says what it looks like: etcd, fettle, fettle_exporter, node_exporter, or empty.
	Is string `json:"is,omitempty"`
}

// Prometheus asks what is scraped, and finds the clusters among it. Those get the label
// `cluster` of their target as name where it has one, else name, and a number from the
// second one on.
func Prometheus(ctx context.Context, name string, p *promql.Client, c Credentials, o Options) (Monitoring, error) {
	setup, err := p.Setup(ctx)
	if err != nil {
		return Monitoring{}, err
	}
	m := Monitoring{Jobs: jobs(setup.Targets), Interval: interval(setup.Targets)}
	for _, a := range setup.Alertmanagers {
		if u, err := url.Parse(a); err == nil {
			base := strings.TrimSuffix(u.Path, "/")
			base = strings.TrimSuffix(strings.TrimSuffix(base, "/alerts"), "/api/v2")
			m.Alertmanagers = append(m.Alertmanagers, u.Scheme+"://"+u.Host+strings.TrimSuffix(base, "/"))
		}
	}
	for _, t := range setup.Targets {
		if looksLike(t) != "etcd" || m.has(t) {
			continue
		}
		found, err := behind(ctx, cmp.Or(fit(t.Labels["cluster"]), name), t, c, o)
		if err != nil {
			m.Notes = append(m.Notes, fmt.Sprintf("job %s, %s: %v", t.Job, t.URL, err))
			continue
		}
		if !slices.ContainsFunc(m.Clusters, func(other Cluster) bool { return other.ID == found.ID }) {
			m.add(found)
		}
	}
	if len(m.Clusters) > 0 {
		m.Notes = nil // what one member did not answer, another did
	}
	return m, nil
}

// add keeps names apart.
func (m *Monitoring) add(c Cluster) {
	base := c.Name
	for n := 2; slices.ContainsFunc(m.Clusters, func(o Cluster) bool { return o.Name == c.Name }); n++ {
		c.Name = fmt.Sprintf("%s-%d", base, n)
	}
	m.Clusters = append(m.Clusters, c)
}

// has tells that the target is a member of a cluster that was found already.
func (m *Monitoring) has(t promql.Target) bool {
	u, err := url.Parse(t.URL)
	if err != nil {
		return true
	}
	for _, c := range m.Clusters {
		for _, member := range c.Members {
			if e, err := url.Parse(member.Endpoint); err == nil && e.Host == u.Host {
				return true
			}
		}
	}
	return false
}

// behind asks the etcd behind a target: at the port that is scraped, and where that
// serves metrics alone (--listen-metrics-urls), at etcd's usual one.
func behind(ctx context.Context, name string, t promql.Target, c Credentials, o Options) (Cluster, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return Cluster{}, errors.New("its URL cannot be read")
	}
	found, err := Etcd(ctx, name, u.Scheme+"://"+u.Host, c, o)
	if err == nil || u.Port() == "2379" {
		return found, err
	}
	if usual, e := Etcd(ctx, name, u.Scheme+"://"+net.JoinHostPort(u.Hostname(), "2379"), c, o); e == nil {
		return usual, nil
	}
	return found, err
}

var (
	likeEtcd    = regexp.MustCompile(`(?i)etcd`)
	likeNode    = regexp.MustCompile(`(?i)^node([_-]?exporter)?$`)
	clusterName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
)

func fit(name string) string {
	if clusterName.MatchString(name) {
		return name
	}
	return ""
}

func looksLike(t promql.Target) string {
	u, err := url.Parse(t.URL)
	switch {
	case err != nil:
		return ""
	case t.Job == "fettle_exporter" || u.Port() == "9773":
		return "fettle_exporter"
	case t.Job == "fettle" || u.Port() == "9774":
		return "fettle"
	case likeNode.MatchString(t.Job) || u.Port() == "9100":
		return "node_exporter"
	case likeEtcd.MatchString(t.Job) || u.Port() == "2379" || u.Port() == "2381":
		return "etcd"
	}
	return ""
}

func jobs(targets []promql.Target) []Job {
	var all []Job
	for _, t := range targets {
		i := slices.IndexFunc(all, func(j Job) bool { return j.Name == t.Job })
		if i < 0 {
			i = len(all)
			all = append(all, Job{Name: t.Job, Is: looksLike(t)})
		}
		all[i].Targets++
		if t.Up {
			all[i].Up++
		}
	}
	slices.SortFunc(all, func(a, b Job) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// interval is that of our exporter; 0: it is not scraped yet.
func interval(targets []promql.Target) time.Duration {
	for _, t := range targets {
		if looksLike(t) == "fettle_exporter" && t.Interval > 0 {
			return t.Interval
		}
	}
	return 0
}
