package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/webhook"
)

// peer is a program that starts a command for each POST.
type peer struct {
	name     string
	variable string // environment variable that names the program
	command  string // what it is called on PATH
	where    string // how it is had
	path     string // of the POST
	argv     func(program, dir, host, port, command string) []string
}

func peersOf() []peer {
	adnanh := func(program, dir, host, port, _ string) []string {
		return []string{program, "-hooks", filepath.Join(dir, "hooks.json"), "-ip", host, "-port", port}
	}
	const (
		webhookVariable = "FETTLE_ADNANH_WEBHOOK"
		webhookWhere    = "Debian: apt-get install webhook"
	)
	return []peer{
		{"adnanh/webhook, command not waited for", webhookVariable, "webhook", webhookWhere, "/hooks/async", adnanh},
		{"adnanh/webhook, command waited for", webhookVariable, "webhook", webhookWhere, "/hooks/sync", adnanh},
		{
			"prometheus-am-executor", "FETTLE_AM_EXECUTOR", "prometheus-am-executor", "build it from github.com/imgix/prometheus-am-executor", "/",
			func(program, _, host, port, command string) []string {
				return []string{program, "-l", net.JoinHostPort(host, port), command}
			},
		},
	}
}

// find returns the program, empty where there is none.
func (p peer) find() string {
	if path := os.Getenv(p.variable); path != "" {
		return path
	}
	path, err := exec.LookPath(p.command)
	if err != nil {
		return ""
	}
	return path
}

// peers posts the same message at fettle and at each peer in turn, as often as each
// takes it. A peer starts /bin/true and keeps nothing; fettle's 200 means that the
// alert is on the disk.
func (b *bench) peers(ctx context.Context) error {
	rates := map[string][]float64{}
	for round := range b.rounds() {
		rate, err := b.fettlePosts(ctx, round)
		if err != nil {
			return err
		}
		raw, err := b.rawWrites(waiters)
		if err != nil {
			return err
		}
		rates["fettle"], rates["raw"] = append(rates["fettle"], rate), append(rates["raw"], raw)
		for _, p := range peersOf() {
			program := p.find()
			if program == "" {
				continue
			}
			if rate, err = b.peerPosts(ctx, p, program, round); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			rates[p.name] = append(rates[p.name], rate)
		}
	}
	b.figure(figure{name: "fettle, durable", value: median(rates["fettle"]), unit: "POST/s"})
	b.figure(figure{name: "of raw group commit with 64 waiters", value: 100 * median(rates["fettle"]) / median(rates["raw"]), unit: "%"})
	for _, p := range peersOf() {
		if len(rates[p.name]) == 0 {
			b.say("%s: not measured, there is none: %s, or set %s", p.name, p.where, p.variable)
			continue
		}
		b.figure(figure{name: p.name, value: median(rates[p.name]), unit: "POST/s"})
		b.figure(figure{name: "fettle, for each one of " + p.name, value: median(rates["fettle"]) / median(rates[p.name]), unit: "POSTs"})
	}
	return nil
}

func (b *bench) fettlePosts(ctx context.Context, round int) (float64, error) {
	st, err := b.newStage(ctx, fmt.Sprintf("peers-fettle-%d", round), wants{})
	if err != nil {
		return 0, err
	}
	srv, err := b.fettleServe(ctx, st)
	if err != nil {
		return 0, err
	}
	rate, err := b.posts(ctx, "fettle", load{address: st.address, path: webhook.Path, token: st.tokens["webhook"]})
	return rate, errors.Join(err, srv.stop())
}

func (b *bench) peerPosts(ctx context.Context, p peer, program string, round int) (float64, error) {
	srv, err := b.startPeer(ctx, p, program, fmt.Sprintf("peer-%s-%d", filepath.Base(p.path), round), "/bin/true")
	if err != nil {
		return 0, err
	}
	rate, err := b.posts(ctx, p.name, load{address: srv.address, path: p.path})
	return rate, errors.Join(err, srv.kill()) // it keeps nothing that an orderly end would save
}

// startPeer starts a peer that starts command for each POST.
func (b *bench) startPeer(ctx context.Context, p peer, program, name, command string) (*server, error) {
	dir := filepath.Join(b.work, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// adnanh/webhook's configuration: the first answers before the command has run,
	// the second when it has ended.
	hooks := fmt.Sprintf(`[{"id":"async","execute-command":%[1]q},{"id":"sync","execute-command":%[1]q,"include-command-output-in-response":true}]`, command)
	if err := os.WriteFile(filepath.Join(dir, "hooks.json"), []byte(hooks), 0o600); err != nil {
		return nil, err
	}
	ports, err := port.Free(1)
	if err != nil {
		return nil, err
	}
	host, port := "127.0.0.1", strconv.Itoa(ports[0])
	address := net.JoinHostPort(host, port)
	srv, err := b.start(ctx, dir, func(ctx context.Context) bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
		return err == nil && conn.Close() == nil
	}, p.argv(program, dir, host, port, command)...)
	if err == nil {
		srv.address = address
	}
	return srv, err
}

// posts is how many single alerts a second are answered 200 at 16 connections.
func (b *bench) posts(ctx context.Context, name string, l load) (float64, error) {
	l.message, l.connections, l.lasts = newMessage(unmatchedName, 1), 16, b.lasts()/2
	s := l.run(ctx)
	b.say("%s: %s POST/s, p99 %s, answers %v", name, number(s.rate()), short(quantile(s.latency, .99)), s.statuses)
	if s.ok == 0 {
		return 0, fmt.Errorf("nothing was answered 200: %w", s.err)
	}
	return s.rate(), nil
}
