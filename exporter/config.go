package exporter

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter/value"
)

type configCollector struct {
	host                 Host
	values               []*valued
	ok, readable, unread *Metric // state
	digest, match        *Metric
	kinds                []cluster.Kind // of the clusters whose versions are wanted
	patience             time.Duration
	now                  func() time.Time
}

func newConfig(h Host) Collector {
	labels := []string{"check", "cluster", "member"}
	c := &configCollector{
		host: h, patience: patience, now: time.Now,
		ok:       gauge("fettle_config_value_ok", "1 if the value is as declared. 0 if it is not, and if it cannot be read.", labels...),
		readable: gauge("fettle_config_value_read", "1 if the value could be read.", labels...),
		unread:   gauge("fettle_config_value_unread", "1 for the reason why the value could not be read: absent, permission, no_file, outside, too_large, stale, ambiguous, no_number, secret, late, unreachable or other. Absent if it could.", "check", "cluster", "member", "reason"),
		digest:   gauge("fettle_config_digest", "The first 52 bits of the digest of a value that all members have to have the same: equal where the values are. Absent while it cannot be read.", labels...),
		match:    gauge("fettle_config_digest_match", "1 if the member's value is that of more than half of the cluster's members. Only where this exporter reads those of all members.", labels...),
	}
	for _, v := range h.Declared.Values {
		for _, m := range v.Members {
			c.values = append(c.values, &valued{Value: v, member: m, labels: []string{v.Check, v.Cluster, m.Name}})
		}
		for _, cl := range h.Declared.Clusters {
			if v.Version && cl.Name == v.Cluster {
				c.kinds = append(c.kinds, cl.Kind)
			}
		}
	}
	return c
}

func (c *configCollector) Metrics() []*Metric {
	return []*Metric{c.ok, c.readable, c.unread, c.digest, c.match}
}

// Collect reads every value anew. One that cannot be read says so itself, and is no
// failure of the collector.
func (c *configCollector) Collect(ctx context.Context, s *Scrape, emit Emit) error {
	views := map[string]cluster.View{}
	if len(c.kinds) > 0 {
		all, _ := s.Views(c.kinds...) //nolint:errcheck // of what could not be looked at, the View says so
		for _, v := range all {
			views[v.Cluster] = v
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	founds, errs := make([]found, len(c.values)), make([]error, len(c.values))
	var reads sync.WaitGroup
	for i, v := range c.values {
		reads.Go(func() { founds[i], errs[i] = v.ask(ctx, c.host, c.now(), views) })
	}
	reads.Wait()
	for i, v := range c.values {
		if errors.Is(errs[i], errLate) {
			errs[i] = value.Refuse(value.Late, "its file system does not answer")
		}
		c.tell(v, founds[i], errs[i], emit)
	}
	c.compare(founds, errs, emit)
	return nil
}

func (c *configCollector) tell(v *valued, f found, err error, emit Emit) {
	judged := v.Want.Any() || v.Port > 0
	failed := ""
	switch {
	case err != nil:
		failed = string(value.ReasonOf(err))
		emit(c.unread, 1, append(v.labels[:3:3], failed)...)
	case v.Same:
		emit(c.digest, f.digest, v.labels...)
	}
	emit(c.readable, boolean(err == nil), v.labels...)
	if judged {
		emit(c.ok, boolean(err == nil && f.ok), v.labels...)
		if err == nil && !f.ok {
			failed = "differs"
		}
	}
	c.note(v, failed, err)
}

// note logs what changed. What a value is, is not logged: it may be a secret.
func (c *configCollector) note(v *valued, failed string, err error) {
	if failed == v.failed {
		return
	}
	v.failed = failed
	log := c.host.logger().With("check", v.Check, "cluster", v.Cluster, "member", v.member.Name)
	switch {
	case failed == "":
		log.Info("A value of the configuration is in order again")
	case err != nil:
		log.Warn("A value of the configuration cannot be read", "reason", failed, "err", err)
	default:
		log.Warn("A value of the configuration is not as declared")
	}
}

// compare tells, where the values of all members are known here, who has that of more
// than half of them. With no such majority nobody has.
func (c *configCollector) compare(founds []found, errs []error, emit Emit) {
	type group struct{ check, cluster string }
	votes := map[group]map[float64]int{}
	for i, v := range c.values {
		if !v.Same || !v.Whole {
			continue
		}
		g := group{v.Check, v.Cluster}
		if votes[g] == nil {
			votes[g] = map[float64]int{}
		}
		if errs[i] == nil {
			votes[g][founds[i].digest]++
		}
	}
	for i, v := range c.values {
		if v.Same && v.Whole {
			n := votes[group{v.Check, v.Cluster}][founds[i].digest]
			emit(c.match, boolean(errs[i] == nil && 2*n > len(v.Members)), v.labels...)
		}
	}
}
