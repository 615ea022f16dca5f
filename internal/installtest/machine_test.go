//go:build release && linux

package installtest

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/systemdtest"
)

const deadline = time.Minute // of a condition that is awaited

// machine is a clean root under a systemd of its own.
type machine struct {
	t *testing.T
	*systemdtest.Host
}

// must runs a command inside that has to succeed.
func (m machine) must(argv ...string) string {
	m.t.Helper()
	out, err := m.Run(argv...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// await waits until a command inside succeeds and prints what is wanted.
func (m machine) await(want string, argv ...string) {
	m.t.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(50 * time.Millisecond) {
		out, err := m.Run(argv...)
		if err == nil && strings.Contains(out, want) {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s: want %q, got %v: %s\n%s", strings.Join(argv, " "), want, err, out, m.log())
		}
	}
}

// log is what everybody but etcd and sudo, who talk a lot, said last.
func (m machine) log() string {
	out, _ := m.Run("bash", "-c", "journalctl --no-pager --output=short-precise | grep -v -e ' etcd' -e ' sudo' | tail -n 80; fettle episodes; systemctl --failed")
	return out
}

// is compares what stat says of a file: owner, group and mode.
func (m machine) is(path, want string) {
	m.t.Helper()
	out, err := m.Run("stat", "--format=%U:%G %a", path)
	if err != nil || out != want {
		m.t.Errorf("%s is %s, want %s (%v)", path, out, want, err)
	}
}

func (m machine) has(path string, want bool) {
	m.t.Helper()
	if _, err := m.Run("test", "-e", path); (err == nil) != want {
		m.t.Errorf("%s is there: %t, want %t", path, err == nil, want)
	}
}

func (m machine) write(path, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.Path(path), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// get asks over HTTP and returns the body of an answer 200.
func (m machine) get(url string) string {
	m.t.Helper()
	resp, err := m.Client().Get(url)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		m.t.Fatalf("%s: %s %v\n%s", url, resp.Status, err, body)
	}
	return string(body)
}
