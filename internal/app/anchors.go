package app

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/anchor"
	"github.com/fettle-io/fettle/internal/config"
)

// lastAnchors bounds the sending of the last checkpoint, when fettle stops.
const lastAnchors = 5 * time.Second

// openAnchors makes the anchors of the configuration. It comes before the journal's
// own end in onStop, so that the last checkpoint is sent once it is signed.
func (a *App) openAnchors() error {
	path := filepath.Join(a.journalDir(), "checkpoint")
	var anchors []anchor.Anchor
	for _, c := range a.cfg.Journal.Anchors {
		one, err := anchorOf(c, func() time.Time { return a.clock().Wall })
		if err != nil {
			return err
		}
		anchors = append(anchors, one)
	}
	latest := func() ([]byte, error) { return os.ReadFile(path) } // whole at any time
	a.keeper = anchor.NewKeeper(anchor.Options{
		Latest: latest, Anchors: anchors, Every: a.cfg.Journal.AnchorEvery,
		Metrics: anchor.NewMetrics(a.reg), Log: a.o.Log,
	})
	a.reg.MustRegister(newSignedCollector(latest))
	return nil
}

// anchorOf is an anchor as the configuration, which was checked, has it.
func anchorOf(c config.Anchor, now func() time.Time) (anchor.Anchor, error) {
	switch {
	case c.File != "":
		return anchor.File{Path: c.File, Now: now}, nil
	case c.URL != "":
		rt, err := remote("journal.anchors", cluster.Login{}, c.TokenFile, cluster.TLS{})
		return anchor.URL{URL: c.URL, Transport: rt}, err
	}
	network, address, _ := c.SyslogAddress()
	return anchor.Syslog{Network: network, Address: address, Host: host(), Now: now}, nil
}

// startAnchors sends checkpoints until Stop, apart from whoever writes the journal.
func (a *App) startAnchors() {
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { a.keeper.Run(ctx) })
	a.anchoring = func() { stop(); done.Wait() }
}

// stopAnchors sends the last checkpoint, of a journal that is closed.
func (a *App) stopAnchors() error {
	if a.anchoring == nil {
		return nil // it never began
	}
	a.anchoring()
	ctx, cancel := context.WithTimeout(context.Background(), lastAnchors)
	defer cancel()
	a.keeper.Finish(ctx)
	return nil
}

// signedCollector publishes the newest checkpoint, so that whoever scrapes fettle
// has it: its size and 104 bits of its root belong together.
type signedCollector struct {
	latest             func() ([]byte, error)
	records, high, low *prometheus.Desc
}

func newSignedCollector(latest func() ([]byte, error)) *signedCollector {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &signedCollector{
		latest:  latest,
		records: desc("fettle_journal_checkpoint_records", "Records that the newest signed checkpoint covers."),
		high:    desc("fettle_journal_checkpoint_root_high", "The first 52 bits of that checkpoint's root, which a float holds exactly."),
		low:     desc("fettle_journal_checkpoint_root_low", "The 52 bits of the root behind those."),
	}
}

// Describe implements prometheus.Collector.
func (c *signedCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.records
	out <- c.high
	out <- c.low
}

// Collect implements prometheus.Collector. What cannot be read is absent.
func (c *signedCollector) Collect(out chan<- prometheus.Metric) {
	note, err := c.latest()
	if err != nil {
		return
	}
	signed, err := anchor.Parse(note)
	if err != nil {
		return
	}
	high, low := halves(signed.Root)
	for _, m := range []struct {
		desc  *prometheus.Desc
		value uint64
	}{{c.records, signed.Size}, {c.high, high}, {c.low, low}} {
		out <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, float64(m.value))
	}
}

// halves are bits 0 to 51 and 52 to 103 of a root.
func halves(root [32]byte) (high, low uint64) {
	return binary.BigEndian.Uint64(root[:8]) >> 12, binary.BigEndian.Uint64(root[6:14]) << 4 >> 12
}
