// Package kafka is the one place that asks Kafka. A Driver keeps one connection to each
// broker of one cluster, asks each itself, bounds every answer, changes nothing, and says
// of what it could not ask that it could not.
//
// Start with Driver.View. ask.go puts the questions, survey.go puts them in their order,
// view.go decides what the answers mean; codec.go, wire.go and login.go are as much of
// the protocol as that needs. docs/collectors/kafka.md says what is asked, with which
// rights, and what is expected of a cluster that is broken. No real Kafka stands behind
// its tests, but a stand-in (internal/kafkatest).
package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Options tune a Driver. The zero value is ready for use.
type Options struct {
	// Timeout bounds each View; 0 is one second.
	Timeout time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Driver asks one Kafka cluster. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	brokers []*asked
}

// New makes a Driver for c, which must be of kind kafka. It connects to nothing yet: a
// cluster that is down is no error. A CA or certificate file that cannot be read is one,
// and so is a login without TLS: SASL/PLAIN sends the password as it is.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindKafka {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindKafka)
	}
	if c.Read.PasswordFile != "" && !c.TLS.On() {
		return nil, errors.New("cluster " + c.Name + ": a login needs tls: SASL/PLAIN sends the password as it is")
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout}
	for _, m := range c.Members {
		a, err := newAsked(m.Endpoint, c, o)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.brokers = append(d.brokers, a)
	}
	return d, nil
}

// View asks all brokers at once, then what one of them knows of the topics, and where
// the declared groups are. It never fails, and takes Options.Timeout at most. The Detail
// of a member is a *Member, that of the View a *Summary.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return assemble(d.cluster, d.survey(ctx))
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, a := range d.brokers {
		a.line.Close()
	}
	return nil
}
