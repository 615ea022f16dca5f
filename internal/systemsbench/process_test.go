//go:build bench

package systemsbench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/servertest"
)

// process is a running program that is measured.
type process struct {
	cmd *exec.Cmd
	// round lets it ask everything once.
	round func(ctx context.Context) error
}

// end kills it: it only reads.
func (p *process) end() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// exporter starts an exporter on a free port, which logs to log (nil: nowhere), with more
// in its environment. get makes a scrape of its base URL.
func exporter(t *testing.T, log io.Writer, env []string, get func(ctx context.Context, base string) error, name string, args ...string) *process {
	t.Helper()
	address := servertest.FreeAddress(t)
	cmd := exec.Command(name, append(args, "--web.listen-address="+address)...) //nolint:gosec,noctx // of the bench
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), env...)
	must(t, cmd.Start())
	p := &process{cmd: cmd, round: func(ctx context.Context) error { return get(ctx, "http://"+address) }}
	t.Cleanup(p.end)
	return p
}

// bare starts the bare client.
func bare(t *testing.T, name, plan string) *process {
	t.Helper()
	cmd := exec.Command(name, plan) //nolint:gosec,noctx // of the bench
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewReader(out)
	p := &process{cmd: cmd, round: func(context.Context) error {
		if _, err := io.WriteString(in, "ask\n"); err != nil {
			return err
		}
		_, err := lines.ReadString('\n')
		return err
	}}
	t.Cleanup(p.end)
	return p
}

// page gets one page into body and tells its size.
func page(ctx context.Context, client *http.Client, url string, body io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	_, err = io.Copy(body, answer.Body)
	return err
}

// cpu is what all threads of the program have used, to the nanosecond.
func (p *process) cpu() (time.Duration, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	if len(paths) == 0 {
		return 0, errors.New("no CPU time: the kernel has no schedstat, or the program is gone")
	}
	var sum time.Duration
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
		sum += time.Duration(n)
	}
	return sum, nil
}

// read is how many bytes the program has read so far, from sockets too.
func (p *process) read() (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "rchar: ")
	digits, _, _ := strings.Cut(rest, "\n")
	return strconv.Atoi(digits)
}

// sockets are the inodes of its sockets: a connection that is made anew has another.
func (p *process) sockets() (map[string]bool, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	open := map[string]bool{}
	for _, path := range paths {
		if to, err := os.Readlink(path); err == nil && strings.HasPrefix(to, "socket:") {
			open[to] = true
		}
	}
	return open, nil
}

// cost is what one round cost, on average over n.
type cost struct {
	cpu  time.Duration
	read float64 // bytes
}

func (p *process) measure(ctx context.Context, n int) (cost, error) {
	before, err := p.cpu()
	if err != nil {
		return cost{}, err
	}
	read, err := p.read()
	if err != nil {
		return cost{}, err
	}
	for range n {
		if err := p.round(ctx); err != nil {
			return cost{}, err
		}
	}
	after, err := p.cpu()
	if err != nil {
		return cost{}, err
	}
	more, err := p.read()
	return cost{(after - before) / time.Duration(n), float64(more-read) / float64(n)}, err
}
