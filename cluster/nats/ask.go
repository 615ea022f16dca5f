package nats

import (
	"context"
	"errors"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// look is what one server answered.
type look struct {
	varz *varz
	jsz  *jsz  // nil: not told
	err  error // why it could not be asked
}

// varz is what of /varz is read.
type varz struct {
	ServerName string `json:"server_name"`
	Version    string `json:"version"`
	JetStream  *struct {
		Config *usage `json:"config"`
		Stats  *struct {
			Memory  uint64 `json:"memory"`
			Storage uint64 `json:"storage"`
		} `json:"stats"`
		Meta *struct {
			Leader string `json:"leader"`
			Size   int    `json:"cluster_size"`
		} `json:"meta"`
	} `json:"jetstream"`
	Connections   int `json:"connections"`
	SlowConsumers int `json:"slow_consumers"`
}

type usage struct {
	MaxMemory  int64 `json:"max_memory"`
	MaxStorage int64 `json:"max_storage"`
}

// jsz is what of /jsz?streams=true is read.
type jsz struct {
	Accounts []struct {
		Name    string `json:"name"`
		Streams []struct {
			Name    string `json:"name"`
			Cluster *struct {
				Leader   string `json:"leader"`
				Replicas []struct {
					Name string `json:"name"`
				} `json:"replicas"` // the others, as this one has them
			} `json:"cluster"`
			Config struct {
				Replicas int `json:"num_replicas"`
			} `json:"config"`
			State struct {
				Messages uint64 `json:"messages"`
				Last     uint64 `json:"last_seq"`
			} `json:"state"`
		} `json:"stream_detail"`
	} `json:"account_details"`
}

// ask asks one server, one question after the other over its connection. One that tells
// of itself is reachable; more streams than can be told of cost only the streams.
func ask(ctx context.Context, l *line.Line[*line.HTTP]) look {
	var seen look
	seen.err = l.Do(ctx, func(ctx context.Context, h *line.HTTP) error {
		var v varz
		if err := h.JSON(ctx, "/varz", &v); err != nil {
			return err
		}
		if v.ServerName == "" || v.Version == "" {
			return line.Because(cluster.BadProtocol, errors.New("the answer is not that of a NATS server"))
		}
		seen.varz = &v
		if v.JetStream == nil || v.JetStream.Config == nil {
			return nil // JetStream is off
		}
		var j jsz
		if err := h.JSON(ctx, "/jsz?accounts=true&streams=true&config=true", &j); err != nil {
			return err
		}
		seen.jsz = &j
		return nil
	})
	if seen.varz != nil {
		seen.err = nil // it answers, and what it did not tell is absent
	}
	return seen
}
