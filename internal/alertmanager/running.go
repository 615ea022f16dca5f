package alertmanager

import (
	"context"
	"fmt"

	"github.com/prometheus/alertmanager/api/v2/client/general"
)

// Running is what an Alertmanager says of itself.
type Running struct {
	Version string
	// Config is its configuration as it was read, with the secrets taken out.
	Config string
}

// Running asks for it.
func (c *Client) Running(ctx context.Context) (Running, error) {
	ctx, cancel := context.WithTimeout(ctx, answersTimeout)
	defer cancel()
	answer, err := c.api.General.GetStatus(general.NewGetStatusParamsWithContext(ctx))
	if err != nil {
		return Running{}, fmt.Errorf("alertmanager %s does not answer: %w", c.name, err)
	}
	var r Running
	if s := answer.GetPayload(); s != nil {
		if s.VersionInfo != nil && s.VersionInfo.Version != nil {
			r.Version = *s.VersionInfo.Version
		}
		if s.Config != nil && s.Config.Original != nil {
			r.Config = *s.Config.Original
		}
	}
	return r, nil
}
