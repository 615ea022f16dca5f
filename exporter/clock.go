package exporter

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	// DefaultPort is the one that an exporter listens on unless told otherwise.
	DefaultPort = 9773
	// compareClock is how long another machine's exporter is waited for, which answers
	// within milliseconds.
	compareClock = 2 * time.Second
	// clocksAtOnce is with how many machines the clock is compared at a time.
	clocksAtOnce = 32
	// clockAnswer is more than two moments have bytes.
	clockAnswer = 128
)

// Clocks says with which machines this one's clock is compared, and how their
// exporters are asked. The zero value is none.
type Clocks struct {
	Members []cluster.Target // those of the inventory on other machines
	Port    int              // of each exporter; 0: DefaultPort
	TLS     cluster.TLS      // any of it: they are asked over https
	Read    cluster.Login    // empty: without a password
}

type clockCollector struct {
	machines []machine
	unfit    error // of the configuration
	timeout  time.Duration
	now      func() time.Time

	reachable, offset, bound *Metric
}

// machine is a host and the members on it.
type machine struct {
	host    string
	members []cluster.Target
	http    *line.HTTP
}

func newClock(h Host) Collector {
	labels := []string{"cluster", "member"}
	c := &clockCollector{
		timeout: compareClock, now: time.Now,
		reachable: gauge("fettle_time_peer_reachable", "1 if the exporter on the member's machine says what its clock says. Of each member of the inventory that is on another machine than this one.", labels...),
		offset:    gauge("fettle_time_peer_offset_seconds", "How far the clock of the member's machine is ahead of this machine's, as measured over the network; behind is negative. Absent while it cannot be measured.", labels...),
		bound:     gauge("fettle_time_peer_error_bound_seconds", "How far the measured offset can be off at most: the exchange took as long, there or back.", labels...),
	}
	c.machines, c.unfit = machines(h.Clocks)
	return c
}

// machines are the hosts of the members, each once.
func machines(c Clocks) (all []machine, err error) {
	scheme := "http://"
	if c.TLS.On() {
		scheme = "https://"
	}
	for _, t := range c.Members {
		i := slices.IndexFunc(all, func(m machine) bool { return m.host == t.Member.Host })
		if i < 0 {
			m := machine{host: t.Member.Host}
			base := scheme + net.JoinHostPort(m.host, strconv.Itoa(cmp.Or(c.Port, DefaultPort)))
			if m.http, err = line.NewHTTP(base, c.TLS, clockAnswer, login(c.Read)); err != nil {
				return nil, fmt.Errorf("clocks: %w", err)
			}
			i, all = len(all), append(all, m)
		}
		all[i].members = append(all[i].members, t)
	}
	return all, nil
}

// login adds a user and the password, which is read anew each time.
func login(l cluster.Login) func(http.Header) error {
	if l.PasswordFile == "" {
		return nil
	}
	return func(h http.Header) error {
		password, err := line.Secret(l.PasswordFile)
		if err != nil {
			return err
		}
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(l.Username+":"+password)))
		return nil
	}
}

func (c *clockCollector) Metrics() []*Metric { return []*Metric{c.reachable, c.offset, c.bound} }

// Close closes the connections.
func (c *clockCollector) Close() error {
	for _, m := range c.machines {
		m.http.Close()
	}
	return nil
}

var _ io.Closer = (*clockCollector)(nil)

// Collect compares the clock with each machine's. One that does not answer is told by
// its state alone; one that answers something else is an error as well.
func (c *clockCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	if c.unfit != nil {
		return c.unfit
	}
	type comparison struct {
		apart interval
		err   error
	}
	found := make([]comparison, len(c.machines))
	slots := make(chan struct{}, clocksAtOnce)
	var asking sync.WaitGroup
	for i, m := range c.machines {
		asking.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, c.timeout)
			defer cancel()
			found[i].apart, found[i].err = compareClocks(ctx, m.http, c.now)
		})
	}
	asking.Wait()
	var errs []error
	for i, m := range c.machines {
		reachable := found[i].err == nil || errors.Is(found[i].err, errStepped)
		switch line.Reason(found[i].err) {
		case "", cluster.Refused, cluster.Timeout:
		default:
			errs = append(errs, fmt.Errorf("compare the clock with that of %s: %w", m.host, found[i].err))
		}
		for _, t := range m.members {
			emit(c.reachable, boolean(reachable), t.Cluster.Name, t.Member.Name)
			if found[i].err == nil {
				emit(c.offset, found[i].apart.middle().Seconds(), t.Cluster.Name, t.Member.Name)
				emit(c.bound, found[i].apart.half().Seconds(), t.Cluster.Name, t.Member.Name)
			}
		}
	}
	return errors.Join(errs...)
}
