package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-openapi/strfmt"
	alertapi "github.com/prometheus/alertmanager/api/v2/client/alert"
	"github.com/prometheus/alertmanager/api/v2/models"
)

// Post is an alert of our own, for an Alertmanager to tell people of.
type Post struct {
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    time.Time
	EndsAt      time.Time // until then it is active; past: it is over
	// GeneratorURL is where it comes from; empty: it says no such place.
	GeneratorURL string
}

// Post hands alerts over. Those of the same labels are the same alert.
func (c *Client) Post(ctx context.Context, all []Post) error {
	body := make(models.PostableAlerts, len(all))
	for i, a := range all {
		body[i] = &models.PostableAlert{
			Annotations: a.Annotations, StartsAt: strfmt.DateTime(a.StartsAt), EndsAt: strfmt.DateTime(a.EndsAt),
			Alert: models.Alert{Labels: a.Labels, GeneratorURL: strfmt.URI(a.GeneratorURL)},
		}
	}
	if _, err := c.api.Alert.PostAlerts(alertapi.NewPostAlertsParamsWithContext(ctx).WithAlerts(body)); err != nil {
		return fmt.Errorf("post to %s: %w", c.name, err)
	}
	return nil
}

// Why an alert could not be posted: fit for a label.
const (
	FailedTimeout  = "timeout"  // it did not answer in time
	FailedRejected = "rejected" // it answered, and did not take it
	FailedConnect  = "connect"  // it was not reached
)

// Failures are all of them.
func Failures() []string { return []string{FailedTimeout, FailedRejected, FailedConnect} }

// Failure is which of them an error of Post is.
func Failure(err error) string {
	var answered interface{ IsCode(code int) bool }
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return FailedTimeout
	case errors.As(err, &answered):
		return FailedRejected
	}
	return FailedConnect
}
