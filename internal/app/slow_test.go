package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
)

const slowToken = "webhook-0123456789abcdef"

// Two thousand connections that send a byte now and then, of which 512 may be open
// at once: a real message gets through all the time, and none of them stays.
func TestSlowLoris(t *testing.T) {
	const connections = 2000
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < 2*connections {
		t.Fatalf("this test needs %d open files, and may have %d (%v): ulimit -n", 2*connections, files.Cur, err)
	}
	token := filepath.Join(t.TempDir(), "webhook.token")
	if err := os.WriteFile(token, []byte(slowToken), 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, strings.Replace(plain, "web: {", "web: {roles: [{role: webhook, token_file: "+token+"}], ", 1))
	// With the token too: what is slow is held back whoever it is.
	const post = "POST /api/v1/alertmanager HTTP/1.1\r\nHost: fettle\r\nContent-Type: application/json\r\n"
	kinds := []string{
		"",
		"POST /api/v1/alertmanager HTTP/1.1\r\nX-A: ",
		post + "Content-Length: 100000\r\n\r\n{",
		post + "Authorization: Bearer " + slowToken + "\r\nContent-Length: 100000\r\n\r\n{",
		post + "Authorization: Bearer " + slowToken + "\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		"GET /-/ready HTTP/1.1\r\nHost: fettle\r\nX-A: ",
	}
	var (
		slow    []net.Conn
		ended   sync.WaitGroup
		longest atomic.Int64 // that one stayed, in ns
	)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for i := range connections {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // the server has closed it
		began := time.Now()
		if _, err := io.WriteString(c, kinds[i%len(kinds)]); err != nil && !gone(err) {
			t.Fatal(err)
		}
		slow = append(slow, c)
		ended.Go(func() {
			if err := c.SetReadDeadline(began.Add(time.Minute)); err != nil {
				t.Error(err)
			}
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("a slow connection is open after a minute")
			}
			stayed := time.Since(began)
			for was := longest.Load(); int64(stayed) > was && !longest.CompareAndSwap(was, int64(stayed)); was = longest.Load() {
			}
		})
	}
	var drip sync.WaitGroup
	drip.Go(func() {
		for tick := time.NewTicker(500 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			for _, c := range slow {
				_, _ = c.Write([]byte("1")) // most are closed
			}
		}
	})
	var took []time.Duration
	for i := range 50 {
		began := time.Now()
		body := fmt.Sprintf(`{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"A","n":"%d"},"startsAt":"2026-11-21T02:24:51Z"}]}`, i)
		if err := replay(ctx, a.Addr(), slowToken, body); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		took = append(took, time.Since(began))
		<-time.After(20 * time.Millisecond)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	ended.Wait()
	stop()
	drip.Wait()
	slices.Sort(took)
	figure := fmt.Sprintf("%d connections, 512 places: a real message took %s (median), %s (longest of %d); the slow ones were closed within %s, the heap was %d MiB",
		connections, took[len(took)/2].Round(100*time.Microsecond), took[len(took)-1].Round(100*time.Microsecond), len(took),
		time.Duration(longest.Load()).Round(100*time.Millisecond), memory.HeapInuse>>20)
	t.Log(figure)
	if took[len(took)-1] > slowAnswer {
		t.Errorf("a real message took %s, at most %s", took[len(took)-1], slowAnswer)
	}
	if stayed := time.Duration(longest.Load()); stayed > slowStay {
		t.Errorf("a slow connection stayed for %s, at most %s", stayed, slowStay)
	}
	scorecard.Row(t, 11, figure)
}

func gone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
