package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/internal/port"
)

// comparison is one measurement of both programs.
type comparison struct {
	name string
	proc string // the procfs to read; empty: this machine's
	gzip bool
	cpu  float64 // limit: our CPU time in theirs
}

// figures are what one program took.
type figures struct {
	cpu    time.Duration // per scrape, the median of the rounds
	median time.Duration // of a scrape, seen by who scrapes
	p99    time.Duration
	rss    int64 // bytes, at the end
	series int
	size   int // bytes of an answer
}

// run scrapes both programs in turns.
func (c comparison) run(ctx context.Context, ours, theirs string, rounds, scrapes int) (fettle, node figures, err error) {
	var programs [2]*program
	for i, args := range [][]string{
		{ours, "--collector.cpu", "--collector.memory", "--collector.load", "--collector.disk", "--collector.filesystem", "--collector.network", "--config.file=" + os.DevNull},
		{theirs, "--collector.cpu", "--collector.meminfo", "--collector.loadavg", "--collector.diskstats", "--collector.filesystem", "--collector.netdev", "--no-collector.netdev.netlink"},
	} {
		args = append(args, "--collector.disable-defaults", "--web.disable-exporter-metrics", "--log.level=error")
		if c.proc != "" {
			args = append(args, "--path.procfs="+c.proc)
		}
		p, err := start(ctx, args)
		if err != nil {
			return fettle, node, err
		}
		defer p.stop()
		programs[i] = p
	}
	for round := range rounds + 1 {
		for _, p := range programs {
			n := scrapes
			if round == 0 {
				n = 50 // to warm up
			}
			if err := p.measure(ctx, n, c.gzip, round > 0); err != nil {
				return fettle, node, err
			}
		}
	}
	if fettle, err = programs[0].figures(); err != nil {
		return fettle, node, err
	}
	node, err = programs[1].figures()
	return fettle, node, err
}

// program is a running exporter and what was measured of it.
type program struct {
	cmd    *exec.Cmd
	url    string
	client http.Client
	rounds []time.Duration // CPU time per scrape
	took   []time.Duration
	body   []byte // the last answer
	length int    // as it was sent
}

// launcher makes a program of a name and arguments, as exec.CommandContext does.
type launcher func(ctx context.Context, name string, args ...string) *exec.Cmd

// start starts an exporter on a free port and waits until it answers.
func start(ctx context.Context, args []string) (*program, error) {
	return launch(ctx, exec.CommandContext, args)
}

func launch(ctx context.Context, command launcher, args []string) (*program, error) {
	addresses, err := port.Addresses(1)
	if err != nil {
		return nil, err
	}
	p := &program{url: "http://" + addresses[0] + "/metrics", client: http.Client{
		Timeout: 30 * time.Second,
		// Whether the answer is compressed is asked for, and seen.
		Transport: &http.Transport{DisableCompression: true},
	}}
	p.cmd = command(ctx, args[0], append(args[1:], "--web.listen-address="+addresses[0])...)
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = os.Stderr
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) { //nolint:forbidigo // polled, with a deadline
		if err = p.scrape(ctx, false); err == nil {
			return p, nil
		}
		if time.Now().After(end) {
			p.stop()
			return nil, fmt.Errorf("%s does not answer: %w", args[0], err)
		}
	}
}

func (p *program) stop() {
	// It only reads: there is nothing that it has to end in order.
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *program) scrape(ctx context.Context, zipped bool) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return err
	}
	if zipped {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body := bytes.NewBuffer(p.body[:0])
	if _, err := io.Copy(body, answer.Body); err != nil {
		return err
	}
	p.body, p.length = body.Bytes(), body.Len()
	if answer.StatusCode != http.StatusOK || zipped != (answer.Header.Get("Content-Encoding") == "gzip") {
		return fmt.Errorf("%s: %s, encoding %q", p.url, answer.Status, answer.Header.Get("Content-Encoding"))
	}
	return nil
}

// measure is one round.
func (p *program) measure(ctx context.Context, scrapes int, zipped, counts bool) error {
	before, err := p.cpuTime()
	if err != nil {
		return err
	}
	for range scrapes {
		begin := time.Now()
		if err := p.scrape(ctx, zipped); err != nil {
			return err
		}
		if counts {
			p.took = append(p.took, time.Since(begin))
		}
	}
	after, err := p.cpuTime()
	if err != nil {
		return err
	}
	if counts {
		p.rounds = append(p.rounds, (after-before)/time.Duration(scrapes))
	}
	return nil
}

// cpuTime is what all threads of the program have used, to the nanosecond.
func (p *program) cpuTime() (time.Duration, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	if len(paths) == 0 {
		return 0, errors.New("no CPU time: the kernel has no schedstat, or the program is gone")
	}
	var sum int64
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		sum += n
	}
	return time.Duration(sum), nil
}

func (p *program) figures() (figures, error) {
	slices.Sort(p.rounds)
	slices.Sort(p.took)
	f := figures{cpu: p.rounds[len(p.rounds)/2], median: p.took[len(p.took)/2], p99: p.took[len(p.took)*99/100], size: p.length}
	var err error
	if f.rss, err = p.rss(); err != nil {
		return f, err
	}
	if err := p.scrape(context.Background(), false); err != nil {
		return f, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(p.body)); lines.Scan(); {
		if !bytes.HasPrefix(lines.Bytes(), []byte("#")) {
			f.series++
		}
	}
	return f, nil
}

// rss is the memory that is resident, in bytes.
func (p *program) rss() (bytes int64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			if _, err := fmt.Sscan(rest, &bytes); err != nil {
				return 0, fmt.Errorf("read memory of %s: %w", p.url, err)
			}
			return bytes * 1024, nil
		}
	}
	return 0, fmt.Errorf("read memory of %s: none is told", p.url)
}
