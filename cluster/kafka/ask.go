package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// asked is a broker that is asked.
type asked struct {
	line *line.Line[*conn]
	read cluster.Login
	now  func() time.Time
}

func newAsked(endpoint string, c cluster.Cluster, o Options) (*asked, error) {
	network, address, host, err := line.Place(endpoint)
	if err != nil {
		return nil, err
	}
	conf, err := line.TLS(c.TLS, host)
	if err != nil {
		return nil, err
	}
	a := &asked{read: c.Read, now: o.Now}
	a.line = line.New(line.Options[*conn]{
		Dial: func(ctx context.Context) (*conn, error) {
			s, err := line.Open(ctx, network, address, conf, mostBytes+8)
			if err != nil {
				return nil, err
			}
			c := &conn{Stream: s}
			if err := a.begin(ctx, c); err != nil {
				_ = c.Close()
				return nil, err
			}
			return c, nil
		},
		Close:  func(c *conn) { _ = c.Close() },
		Usable: usable,
		Now:    o.Now,
	})
	return a, nil
}

// do puts fn's questions, with a login that has not run out.
func (a *asked) do(ctx context.Context, fn func(context.Context, *conn) error) error {
	return a.line.Do(ctx, func(ctx context.Context, c *conn) error {
		if !c.expire.IsZero() && a.now().After(c.expire) {
			if err := a.login(ctx, c); err != nil {
				return fmt.Errorf("renew the login: %v", err) //nolint:errorlint // no longer usable, whatever the broker said
			}
		}
		return fn(ctx, c)
	})
}

// broker is an entry of the metadata.
type broker struct {
	id      int32
	address string
}

// partition is one of a topic's.
type partition struct {
	topic                 string
	index, leader         int32
	replicas, isr, absent []int32
	code                  int16
}

// meta is what a broker knows of the cluster.
type meta struct {
	id         string
	controller int32 // -1: none
	brokers    []broker
	partitions []partition // where topics were asked for
	topics     int
}

// metadataOf asks for the brokers, and with topics for every topic that the user may see.
func metadataOf(ctx context.Context, c *conn, topics bool) (*meta, error) {
	r, err := c.ask(ctx, metadata(), func(w *writer) {
		if topics {
			w.length(-1)
		} else {
			w.length(0)
		}
		w.bool(false) // makes no topics
	})
	if err != nil {
		return nil, err
	}
	m := &meta{}
	_ = r.int32() // throttled
	r.list(func() {
		b := broker{id: r.int32()}
		host, port := r.string(), r.int32()
		_ = r.string() // its rack
		b.address = net.JoinHostPort(host, strconv.Itoa(int(port)))
		m.brokers = append(m.brokers, b)
	})
	m.id, m.controller = r.string(), r.int32()
	r.list(func() {
		m.topics++
		code, name := r.int16(), r.string()
		r.take(1) // of Kafka's own
		r.list(func() {
			p := partition{topic: name, code: r.int16(), index: r.int32(), leader: r.int32(), replicas: r.ids(), isr: r.ids(), absent: r.ids()}
			if code != 0 {
				p.code = code
			}
			m.partitions = append(m.partitions, p)
		})
	})
	return m, r.well(metadata())
}

// coordinatorOf asks which broker keeps a group's offsets.
func coordinatorOf(ctx context.Context, c *conn, group string) (int32, error) {
	r, err := c.ask(ctx, findCoordinator(), func(w *writer) { w.string(group); w.int8(0) })
	if err != nil {
		return 0, err
	}
	_ = r.int32() // throttled
	code, text, id := r.int16(), r.string(), r.int32()
	return id, errors.Join(told(findCoordinator(), code, text), r.well(findCoordinator()))
}

// place is a partition by name.
type place struct {
	topic string
	index int32
}

// committedOf asks a group's coordinator for every offset that the group has committed.
func committedOf(ctx context.Context, c *conn, group string) (map[place]int64, error) {
	r, err := c.ask(ctx, offsetFetch(), func(w *writer) { w.string(group); w.length(-1) })
	if err != nil {
		return nil, err
	}
	all := map[place]int64{}
	var failed error
	_ = r.int32() // throttled
	r.list(func() {
		name := r.string()
		r.list(func() {
			at, offset := place{name, r.int32()}, r.int64()
			_, _ = r.int32(), r.string() // the leader's epoch, a note
			if code := r.int16(); code != 0 {
				failed = told(offsetFetch(), code, "")
			} else if offset >= 0 {
				all[at] = offset
			}
		})
	})
	const noSuchGroup = 69
	code := r.int16()
	if code == noSuchGroup { // as some brokers say of one without offsets
		code = 0
	}
	return all, errors.Join(told(offsetFetch(), code, ""), failed, r.well(offsetFetch()))
}

// endsOf asks the leader of partitions where they end: beyond which no consumer gets.
// What it does not tell is not there.
func endsOf(ctx context.Context, c *conn, places []place) (map[place]int64, error) {
	byTopic := map[string][]int32{}
	for _, p := range places {
		byTopic[p.topic] = append(byTopic[p.topic], p.index)
	}
	r, err := c.ask(ctx, listOffsets(), func(w *writer) {
		w.int32(-1) // no replica asks
		w.int8(0)   // read uncommitted
		w.length(len(byTopic))
		for topic, indexes := range byTopic {
			w.string(topic)
			w.length(len(indexes))
			for _, i := range indexes {
				w.int32(i)
				w.int64(-1) // the end
			}
		}
	})
	if err != nil {
		return nil, err
	}
	all := map[place]int64{}
	_ = r.int32() // throttled
	r.list(func() {
		name := r.string()
		r.list(func() {
			at, code := place{name, r.int32()}, r.int16()
			_ = r.int64() // a time, where one was asked for
			if offset := r.int64(); code == 0 && offset >= 0 {
				all[at] = offset
			}
		})
	})
	return all, r.well(listOffsets())
}

// leastInSync asks for min.insync.replicas of topics. A topic of which it may not be
// asked is not there.
func leastInSync(ctx context.Context, c *conn, topics []string) (map[string]int, error) {
	const key = "min.insync.replicas"
	r, err := c.ask(ctx, describeConfigs(), func(w *writer) {
		w.length(len(topics))
		for _, t := range topics {
			w.int8(2) // a topic
			w.string(t)
			w.length(1)
			w.string(key)
		}
		w.bool(false) // where the value comes from
	})
	if err != nil {
		return nil, err
	}
	all := map[string]int{}
	_ = r.int32() // throttled
	r.list(func() {
		code := r.int16()
		_ = r.string()
		r.take(1) // a topic
		name := r.string()
		r.list(func() {
			var n int
			k, v := r.string(), r.string()
			r.take(3) // read only, source, secret
			r.list(func() { _, _ = r.string(), r.string(); r.take(1) })
			if _, err := fmt.Sscanf(v, "%d", &n); err == nil && k == key && code == 0 {
				all[name] = n
			}
		})
	})
	return all, r.well(describeConfigs())
}
