package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fettle_exporter")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "fettle_exporter")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// limit bounds everything that is waited for.
const limit = 30 * time.Second

// process is a running exporter.
type process struct {
	*exec.Cmd
	url    string
	mu     sync.Mutex
	output strings.Builder
	ended  chan error
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// start runs the binary on a free port and waits until it listens.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(binary, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...), ended: make(chan error, 1)}
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			fmt.Fprintln(&p.output, lines.Text())
			p.mu.Unlock()
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		p.ended <- p.Wait()
	}()
	t.Cleanup(func() { _ = p.Process.Kill() })
	select {
	case a := <-address:
		p.url = "http://" + a
	case err := <-p.ended:
		t.Fatalf("ended: %v\n%s", err, p.log())
	case <-time.After(limit):
		t.Fatalf("does not listen\n%s", p.log())
	}
	return p
}

// stop ends it by SIGTERM, which is a success.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.log())
		}
	case <-time.After(limit):
		t.Errorf("SIGTERM does not end it\n%s", p.log())
	}
}

func (p *process) request(t *testing.T, method, path string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// scrape is the answer at path, which must be 200.
func (p *process) scrape(t *testing.T, path string) string {
	t.Helper()
	code, body := p.request(t, http.MethodGet, path)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, code, body)
	}
	return body
}

// collectors are the names of the collectors that a scrape tells of.
func collectors(body string) string {
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^fettle_collector_success\{collector="(\w+)"\}`).FindAllStringSubmatch(body, -1) {
		names = append(names, found[1])
	}
	return strings.Join(names, " ")
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exporter.yml")
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A cluster that does not answer is told, and is no failure of the collector.
// Without the default file the exporter starts, with a named one it must be there.
// The exporter is unprivileged: nothing that repairs is linked.
