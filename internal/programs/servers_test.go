//go:build servers

package programs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/servertest"
)

// Every program is found, and is what it says. The Makefile runs this once with
// the oldest supported versions on PATH and once with the pinned ones.
func TestFindRealPrograms(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, err := Find(t.Context(), name, Options{Progress: logEvery(t, 10*time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", p)
			s, _ := specOf(name)
			if !s.supports(p.Version) {
				t.Errorf("version %s is not supported", p.Version)
			}
			wantVersion(t, p, p.Version)
		})
	}
}

func logEvery(t *testing.T, d time.Duration) func(string) {
	var last time.Time
	return func(line string) {
		if time.Since(last) >= d {
			last = time.Now()
			t.Log(line)
		}
	}
}

// The page that stands in for Alertmanager's own is served to browsers, which
// ask for Brotli, and to everything else.
func TestAlertmanagerPage(t *testing.T) {
	cleanEnvironment(t) // the pinned one on every run: it alone has the page
	p, err := Find(t.Context(), "alertmanager", Options{Source: Pinned, Progress: logEvery(t, 10*time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	write(t, config, "route: {receiver: none}\nreceivers: [{name: none}]\n")
	ports, err := port.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprint("127.0.0.1:", ports[0])
	servertest.Of(t, servertest.Process{
		Name: "Alertmanager", Argv: []string{p.Path, "--config.file=" + config, "--storage.path=" + dir, "--cluster.listen-address=", "--web.listen-address=" + address},
		Log: filepath.Join(dir, "log"),
	}).Start()
	awaitReady(t, "http://"+address+"/-/ready")

	root, err := Options{}.root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "tools", "alertmanager", "ui", "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, encoding := range []string{"identity", "gzip", "gzip, deflate, br"} {
		status, body := get(t, "http://"+address+"/", encoding)
		if status != http.StatusOK {
			t.Errorf("Accept-Encoding %s: status %d", encoding, status)
		}
		// gzip's body is compressed; Brotli's holds the page as it is.
		if encoding != "gzip" && !strings.Contains(body, string(page)) {
			t.Errorf("Accept-Encoding %s: %q lacks the page", encoding, body)
		}
	}
}

func awaitReady(t *testing.T, url string) {
	t.Helper()
	for end := time.Now().Add(deadline); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		cancel()
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not ready, last error %v", url, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func get(t *testing.T, url, encoding string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}
