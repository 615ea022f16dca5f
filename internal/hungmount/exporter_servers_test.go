//go:build servers && linux

package hungmount_test

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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/hungmount"
)

// limit bounds everything that is waited for.
const limit = 30 * time.Second

// build builds a program of this tree into dir.
func build(t *testing.T, in, dir string, env []string, args ...string) string {
	t.Helper()
	program := filepath.Join(dir, filepath.Base(in))
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build"}, args...), "-o", program, ".")...)
	cmd.Dir, cmd.Env = filepath.Join("..", "..", in), append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", in, err, out)
	}
	return program
}

// exporter is a fettle_exporter with the race detector that sees the mount.
type exporter struct {
	*exec.Cmd
	url    string
	mu     sync.Mutex
	output strings.Builder
	ended  chan error
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

func start(t *testing.T, m *hungmount.Mount, program, proc string) *exporter {
	t.Helper()
	// Without the connections to the bus and to the clock, which come and go.
	e := &exporter{ended: make(chan error, 1), Cmd: m.Command(t.Context(), program, "--web.listen-address=127.0.0.1:0",
		"--config.file="+os.DevNull, "--path.procfs="+proc, "--no-collector.unit", "--no-collector.time")}
	stderr, err := e.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			e.mu.Lock()
			fmt.Fprintln(&e.output, lines.Text())
			e.mu.Unlock()
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		e.ended <- e.Wait()
	}()
	select {
	case a := <-address:
		e.url = "http://" + a + "/metrics"
	case err := <-e.ended:
		t.Fatalf("the exporter ended: %v\n%s", err, e.log())
	case <-time.After(limit):
		t.Fatalf("the exporter does not listen:\n%s", e.log())
	}
	return e
}

func (e *exporter) log() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.output.String()
}

// stop ends the exporter as systemd does. It must not sleep in the mount any more.
func (e *exporter) stop(t *testing.T) {
	t.Helper()
	if err := e.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-e.ended:
		if err != nil { // the race detector's as well
			t.Errorf("the exporter ended with %v", err)
		}
	case <-time.After(limit):
		t.Error("the exporter does not end")
		_ = e.Process.Kill()
	}
	if log := e.log(); strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic") {
		t.Error(log)
	}
}

// scrape is one scrape, as name{labels} to value.
func (e *exporter) scrape(ctx context.Context) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	series := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && !strings.HasPrefix(line, "#") {
			if series[line[:i]], err = strconv.ParseFloat(strings.TrimSpace(line[i:]), 64); err != nil {
				return nil, err
			}
		}
	}
	return series, nil
}

func (e *exporter) mustScrape(t *testing.T) map[string]float64 {
	t.Helper()
	series, err := e.scrape(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return series
}

// await scrapes until the series has the value.
func (e *exporter) await(t *testing.T, name string, want float64) map[string]float64 {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) { //nolint:forbidigo // polled, with a deadline
		series := e.mustScrape(t)
		if got, there := series[name]; there && got == want {
			return series
		}
		if time.Now().After(end) {
			t.Fatalf("%s is %v, want %v\n%s", name, series[name], want, e.log())
		}
	}
}

// A real mount hangs, under a real exporter that was built with the race detector and
// runs without rights. That mount alone says so, in every scrape; nobody asks it again;
// and with the mount everything is back, with no goroutine left.
func TestAMountThatHangs(t *testing.T) {
	dir, err := os.MkdirTemp("", "hungmount") // t.TempDir is not open to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	at := filepath.Join(dir, "mnt")
	for _, d := range []string{dir, at} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o755); err != nil { //nolint:gosec // open to others, as said
			t.Fatal(err)
		}
	}
	m, err := hungmount.Start(context.Background(), build(t, "tools/hungmount", dir, []string{"GOWORK=off", "CGO_ENABLED=0"}), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() }) // so that nobody sleeps in it, whatever failed
	proc := filepath.Join(dir, "proc")
	check(t, hungmount.Proc(proc))
	e := start(t, m, build(t, "cmd/fettle_exporter", dir, []string{"CGO_ENABLED=1"}, "-race"), proc)

	labels := fmt.Sprintf(`{device="hungmount",fstype="fuse.hungmount",mountpoint=%q}`, at)
	const prefix = "fettle_node_filesystem_"
	measured := []string{"size_bytes", "avail_bytes", "free_bytes", "files", "files_free", "readonly"}
	well := e.await(t, prefix+"size_bytes"+labels, 4096*1000)
	for name, want := range map[string]float64{"hung": 0, "device_error": 0, "avail_bytes": 4096 * 500, "free_bytes": 4096 * 600, "files": 100, "files_free": 90} {
		if got, there := well[prefix+name+labels]; !there || got != want {
			t.Errorf("%s is %v (there: %v), want %v", name, got, there, want)
		}
	}

	check(t, m.Hang())
	before, err := m.Asked()
	check(t, err)
	var scrapes sync.WaitGroup
	for range 10 {
		scrapes.Go(func() {
			for range 3 {
				now, err := e.scrape(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if now[prefix+"hung"+labels] != 1 || now[prefix+"device_error"+labels] != 1 {
					t.Errorf("hung is %v, device_error %v", now[prefix+"hung"+labels], now[prefix+"device_error"+labels])
				}
				for _, name := range measured {
					delete(now, prefix+name+labels)
				}
				for name := range well { // everything else is there
					_, there := now[name]
					if own := strings.HasPrefix(name, prefix) && strings.HasSuffix(name, labels); !there && !own && !comesAndGoes(name) {
						t.Errorf("%s is gone", name)
					}
				}
				for _, c := range []string{"filesystem", "cpu", "memory", "disk"} {
					if now[fmt.Sprintf("fettle_collector_timeout{collector=%q}", c)] != 0 || now[fmt.Sprintf("fettle_collector_success{collector=%q}", c)] != 1 {
						t.Errorf("collector %s has no success, or a timeout", c)
					}
				}
			}
		})
	}
	scrapes.Wait()
	now := e.mustScrape(t)
	for _, name := range measured {
		if value, there := now[prefix+name+labels]; there {
			t.Errorf("%s of a mount that hangs is %v", name, value)
		}
	}
	after, err := m.Asked()
	check(t, err)
	if after != before+1 {
		t.Errorf("31 scrapes asked the mount %d times, want once", after-before)
	}

	check(t, m.Wake())
	back := e.await(t, prefix+"size_bytes"+labels, 4096*1000)
	if back[prefix+"hung"+labels] != 0 || back[prefix+"device_error"+labels] != 0 {
		t.Errorf("awake: hung is %v, device_error %v", back[prefix+"hung"+labels], back[prefix+"device_error"+labels])
	}
	http.DefaultClient.CloseIdleConnections() // each was a goroutine
	e.await(t, "go_goroutines", well["go_goroutines"])

	// The server of the file system dies while it hangs: an error, and an answer.
	check(t, m.Hang())
	e.await(t, prefix+"hung"+labels, 1)
	check(t, m.Close())
	gone := e.await(t, prefix+"hung"+labels, 0)
	if gone[prefix+"device_error"+labels] != 1 {
		t.Errorf("without its server, device_error is %v", gone[prefix+"device_error"+labels])
	}
	if _, there := gone[prefix+"size_bytes"+labels]; there {
		t.Error("without its server, it has a size")
	}
	e.stop(t)

	var said []string
	for line := range strings.Lines(e.log()) {
		if strings.Contains(line, "mountpoint="+at+" ") {
			_, text, _ := strings.Cut(strings.TrimSpace(line), " msg=")
			said = append(said, strings.ReplaceAll(text, " mountpoint="+at+" device=hungmount fstype=fuse.hungmount", ""))
		}
	}
	const want = `"File system cannot be asked" err="it does not answer"
"File system answers again"
"File system cannot be asked" err="it does not answer"
"File system cannot be asked" err="transport endpoint is not connected"`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("the log says\n%s\nwant\n%s", got, want)
	}
}

// comesAndGoes tells that a series is not of this machine but of the moment: what other
// programs mount and plug, and the exporter's own.
func comesAndGoes(name string) bool {
	for _, prefix := range []string{"fettle_node_filesystem_", "fettle_node_network_", "fettle_node_disk_", "go_", "process_", "promhttp_"} {
		if strings.HasPrefix(name, prefix) && !strings.Contains(name, `mountpoint="/"`) {
			return true
		}
	}
	return false
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
