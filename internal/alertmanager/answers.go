package alertmanager

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/alertmanager/api/v2/client/general"
)

// answersTimeout bounds the question whether it answers at all.
const answersTimeout = 2 * time.Second

// Answers is nil where the Alertmanager answers.
func (c *Client) Answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answersTimeout)
	defer cancel()
	if _, err := c.api.General.GetStatus(general.NewGetStatusParamsWithContext(ctx)); err != nil {
		return fmt.Errorf("alertmanager %s does not answer: %w", c.name, err)
	}
	return nil
}
