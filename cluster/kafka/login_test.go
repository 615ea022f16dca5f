package kafka

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// loginServer takes every login, for ten seconds, and knows nothing else.
func loginServer(t *testing.T) (address string, logins *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	logins = &atomic.Int32{}
	versions := "\x00\x00" + "\x00\x00\x00\x07"
	for _, a := range []api{metadata(), listOffsets(), findCoordinator(), offsetFetch(), describeConfigs(), saslHandshake(), saslAuthenticate()} {
		versions += string([]byte{0, byte(a.key), 0, 0, 0, 9})
	}
	answers := map[int16]string{
		apiVersions().key: versions, saslHandshake().key: "\x00\x00" + "\x00\x00\x00\x01\x00\x05PLAIN",
		saslAuthenticate().key: "\x00\x00" + "\xff\xff" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x27\x10",
		metadata().key:         "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x02id" + "\xff\xff\xff\xff" + "\x00\x00\x00\x00",
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for {
					var head [12]byte
					if _, err := io.ReadFull(c, head[:]); err != nil {
						return
					}
					if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head[:]))-8); err != nil {
						return
					}
					key := int16(binary.BigEndian.Uint16(head[4:]))
					if key == saslAuthenticate().key {
						logins.Add(1)
					}
					body := answers[key]
					out := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
					if _, err := c.Write(append(append(out, head[8:12]...), body...)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String(), logins
}

// A broker may end a login after a while. It is renewed before, on the same connection.
func TestLoginIsRenewed(t *testing.T) {
	address, logins := loginServer(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1000, 0)
	a, err := newAsked("kafka://"+address, cluster.Cluster{Read: cluster.Login{Username: "u", PasswordFile: password}}, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer a.line.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i, step := range []struct {
		later time.Duration
		want  int32
	}{{0, 1}, {7 * time.Second, 1}, {2 * time.Second, 2}, {time.Second, 2}, {8 * time.Second, 3}} {
		now = now.Add(step.later)
		err := a.do(ctx, func(ctx context.Context, c *conn) error {
			m, err := metadataOf(ctx, c, false)
			if err == nil && (m.id != "id" || m.controller != -1) {
				t.Errorf("%+v", m)
			}
			return err
		})
		if err != nil || logins.Load() != step.want {
			t.Errorf("question %d: %v, %d logins, want %d", i, err, logins.Load(), step.want)
		}
	}
	if err := os.Remove(password); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if err := a.do(ctx, func(context.Context, *conn) error { return nil }); err == nil || usable(err) {
		t.Errorf("asked with a login that has run out: %v", err)
	}
}

// A scrape may leave less time than half of what a look may take: that is enough for a
// broker that answers.
func TestLookInAHurry(t *testing.T) {
	address, _ := loginServer(t)
	c := cluster.Cluster{Name: "c", Kind: cluster.KindKafka, Members: []cluster.Member{{Name: "k1", Endpoint: "kafka://" + address}}}
	d, err := New(c, Options{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // only read from
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if m := d.View(ctx).Members[0]; !m.Reachable {
		t.Errorf("%s: %s", m.Error, m.Why)
	}
}
