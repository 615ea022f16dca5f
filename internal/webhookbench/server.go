package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a process under test.
type server struct {
	cmd     *exec.Cmd
	log     *os.File
	ended   chan struct{}
	err     error // of its end, once ended
	address string
	// ready is how long it took from its start until it took messages.
	ready time.Duration
}

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 60 * time.Second
)

// start starts a program and waits until up says that it serves.
func (b *bench) start(ctx context.Context, dir string, up func(context.Context) bool, argv ...string) (*server, error) {
	log, err := os.OpenFile(filepath.Join(dir, filepath.Base(argv[0])+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(argv[0], argv[1:]...), log: log, ended: make(chan struct{})} //nolint:gosec,noctx // the program under test, which is ended by stop
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = log, log, dir
	// What the bench is told to end, it ends itself, in order.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	b.started = append(b.started, s)
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for !up(ctx) {
		waitUntil(time.Now().Add(time.Millisecond))
		select {
		case <-s.ended:
			return nil, fmt.Errorf("%s ended at once (%w): see %s", argv[0], cmpErr(s.err, errors.New("exit status 0")), log.Name())
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s does not serve: see %s: %w", argv[0], log.Name(), ctx.Err()), s.kill())
		default:
		}
	}
	s.ready = time.Since(begun)
	return s, nil
}

// serves is what a fettle logs when it takes messages. A port that was free a moment
// ago may be another program's by the time that it is wanted, so fettle takes one
// and says which.
var serves = regexp.MustCompile(`msg="fettle serves" listen=(\S+)`)

// serve starts a fettle, or the fake fleet, and waits for its /-/ready.
func (b *bench) serve(ctx context.Context, st *stage, argv ...string) (*server, error) {
	log := filepath.Join(st.dir, filepath.Base(argv[0])+".log")
	before, err := os.ReadFile(log)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	st.address = ""
	ready := func(ctx context.Context) bool {
		if st.address == "" {
			said, err := os.ReadFile(log)
			if err != nil {
				return false
			}
			m := serves.FindSubmatch(said[min(len(before), len(said)):])
			if m == nil {
				return false
			}
			st.address = string(m[1])
		}
		status, _, err := get(ctx, "http://"+st.address+"/-/ready", "")
		return err == nil && status == http.StatusOK
	}
	srv, err := b.start(ctx, st.dir, ready, append(argv, "--config.file="+st.config())...)
	if err == nil {
		srv.address = st.address
	}
	return srv, err
}

// fettleServe is `fettle serve` as it is shipped.
func (b *bench) fettleServe(ctx context.Context, st *stage) (*server, error) {
	return b.serve(ctx, st, b.fettle, "serve")
}

// stop ends it in an orderly way.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s does not stop", s.cmd.Path), s.kill())
	}
	return errors.Join(s.err, s.log.Close())
}

// kill ends it at once.
func (s *server) kill() error {
	err := s.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.ended
	return errors.Join(err, s.log.Close())
}

// killStarted ends what an error or an interrupt left running.
func (b *bench) killStarted() error {
	var errs []error
	for _, s := range b.started {
		select {
		case <-s.ended:
		default:
			errs = append(errs, s.kill())
		}
	}
	b.started = nil
	return errors.Join(errs...)
}

// memory is a process' resident memory now and at its peak, in bytes.
func (s *server) memory() (now, peak int64, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		kib, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		var into *int64
		switch name {
		case "VmRSS":
			into = &now
		case "VmHWM":
			into = &peak
		default:
			continue
		}
		if *into, err = strconv.ParseInt(kib, 10, 64); err != nil {
			return 0, 0, err
		}
		*into <<= 10
	}
	if now == 0 || peak == 0 {
		return 0, 0, fmt.Errorf("%s tells no memory", f.Name())
	}
	return now, peak, nil
}

// processor is the processor time that it has used.
func (s *server) processor() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(data), ") ") // behind the name
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", s.cmd.Process.Pid, len(fields))
	}
	var sum int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * clockTick, nil
}

// metric sums the series of a name whose labels hold every text of labels.
func (s *server) metric(ctx context.Context, token, name string, labels ...string) (float64, error) {
	status, body, err := get(ctx, "http://"+s.address+"/metrics", token)
	if err != nil {
		return 0, err
	}
	if status != http.StatusOK {
		return 0, fmt.Errorf("/metrics answers %d", status)
	}
	sum := 0.0
	for line := range strings.Lines(string(body)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		at := strings.LastIndexByte(rest, ' ')
		for _, l := range labels {
			ok = ok && strings.Contains(rest[:at], l)
		}
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(rest[at+1:], 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// get asks once, over a connection of its own.
func get(ctx context.Context, url, token string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}
