package promql

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
)

// ownSeries is a series that `fettle serve` always has, and its exporter never.
const ownSeries = "fettle_journal_writable"

// ScrapesFettle is nil where Prometheus answers and its last scrape of `fettle serve`
// is younger than three scrape intervals: then its alerts can be relied on.
func (c *Client) ScrapesFettle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	window := c.window / 2 * 3
	// Raw samples, and Prometheus' own clock: see MemberReachable.
	value, _, _, err := c.api.Query(ctx, fmt.Sprintf("%s[%s]", ownSeries, window), time.Time{})
	if err != nil {
		return fmt.Errorf("prometheus does not answer: %w", err)
	}
	if series, ok := value.(model.Matrix); ok {
		for _, s := range series {
			if len(s.Values) > 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("prometheus has not scraped fettle for %s: is there a scrape job for it, and prometheus.scrape_interval right?", window)
}
