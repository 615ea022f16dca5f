package rafttest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

// listen lets serve have each connection, until the test ends, and returns the address.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	var mu sync.Mutex
	var open []net.Conn
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// alone is a cluster of one member at a URL.
func alone(name, url string) cluster.Cluster {
	return cluster.Cluster{Name: name, Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "x", Endpoint: url}}}
}

// Twenty targets that accept and never answer, beside a cluster in order: the scrape
// comes back within Prometheus' timeout, and nothing else is missing from it.
func TestTwentyMuteTargets(t *testing.T) {
	c := etcds(t, etcdproc.Options{}, "m1")
	quiet, _ := watch(t, withCanary(c))
	whole := inOrder(t, quiet, "m1")

	clusters := []cluster.Cluster{withCanary(c)}
	for i := range 20 {
		scheme := []string{"http", "https"}[i%2]
		clusters = append(clusters, alone("mute"+strconv.Itoa(i), scheme+"://"+listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })))
	}
	e, _ := watch(t, clusters...)
	for _, timeout := range []string{"10", "3"} {
		most, err := time.ParseDuration(timeout + "s")
		must(t, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
		w := httptest.NewRecorder()
		begin := time.Now()
		e.ServeHTTP(w, r)
		if took := time.Since(begin); took > most {
			t.Errorf("with a timeout of %s s the scrape took %s", timeout, took)
		}
		s := parse(t, w.Body.String())
		for name := range whole {
			if _, ok := s[name]; !ok {
				t.Errorf("%s is missing", name)
			}
		}
		if s.of(t, "raft_canary_success", "m1") != 1 || s.of(t, "raft_margin") != 0 {
			t.Errorf("the cluster in order: %v", s)
		}
		for i := range 20 {
			n := "mute" + strconv.Itoa(i)
			if s[`fettle_member_failure{cluster="`+n+`",member="x",reason="timeout"}`] != 1 || s[`fettle_raft_margin{cluster="`+n+`"}`] != -1 {
				t.Errorf("%s: %v", n, s)
			}
		}
	}
}

// fakeEtcd is no etcd: it answers Status and MemberList as one that is to come.
type fakeEtcd struct {
	pb.UnimplementedMaintenanceServer
	pb.UnimplementedClusterServer
}

func (fakeEtcd) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	return &pb.StatusResponse{Header: &pb.ResponseHeader{ClusterId: 1, MemberId: 2}, Version: "99.1.0", Leader: 2, RaftTerm: 3, RaftIndex: 4, RaftAppliedIndex: 4}, nil
}

func (fakeEtcd) MemberList(context.Context, *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	return &pb.MemberListResponse{Members: []*pb.Member{{ID: 2, Name: "x"}}}, nil
}

// speaks starts a gRPC server with these services.
func speaks(t testing.TB, register func(*grpc.Server)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	s := grpc.NewServer()
	register(s)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		must(t, <-done)
	})
	return l.Addr().String()
}

// drip sends one byte a second.
func drip(c net.Conn) {
	for _, b := range []byte(strings.Repeat("HTTP/1.1 200 OK\r\n", 10)) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(time.Second) // the fault itself
	}
}

// What answers at a member's address is not etcd, or is sick: a bounded reason, one line
// of the log, and everything else as it is.
func TestNotEtcd(t *testing.T) {
	c := etcds(t, etcdproc.Options{}, "m1")
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	for name, tc := range map[string]struct {
		url    string
		reason string // "": it is reachable
	}{
		"a web server": {web.URL, "protocol"},
		"a banner": {"http://" + listen(t, func(c net.Conn) {
			_, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"))
			_, _ = io.Copy(io.Discard, c)
		}), "protocol"},
		"a hundred megabytes": {"http://" + listen(t, func(c net.Conn) {
			block := []byte(strings.Repeat("x", 1<<20))
			for range 100 {
				if _, err := c.Write(block); err != nil {
					return
				}
			}
		}), "protocol"},
		"a byte a second":           {"http://" + listen(t, drip), "timeout"},
		"a byte a second, over TLS": {"https://" + listen(t, drip), "timeout"},
		"nobody":                    {"http://127.0.0.1:1", "refused"},
		"gRPC, of another server":   {"http://" + speaks(t, func(*grpc.Server) {}), "protocol"},
		"a fake etcd of a version never seen": {"http://" + speaks(t, func(s *grpc.Server) {
			pb.RegisterMaintenanceServer(s, fakeEtcd{})
			pb.RegisterClusterServer(s, fakeEtcd{})
		}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, log := watch(t, withCanary(c), alone("sick", tc.url))
			scrape(t, e)
			s := scrape(t, e)
			if s.of(t, "raft_margin") != 0 || s.of(t, "raft_canary_success", "m1") != 1 || s.of(t, "raft_page_read", "m1") != 1 {
				t.Errorf("the cluster beside it: %v", s)
			}
			if tc.reason == "" {
				if s[`fettle_member_reachable{cluster="sick",member="x"}`] != 1 || s[`fettle_member_info{cluster="sick",kind="etcd",member="x",version="99.1.0"}`] != 1 {
					t.Errorf("%v", s)
				}
				return
			}
			if s[`fettle_member_reachable{cluster="sick",member="x"}`] != 0 || s[`fettle_member_failure{cluster="sick",member="x",reason="`+tc.reason+`"}`] != 1 {
				t.Errorf("want %s: %v\n%s", tc.reason, s, log)
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "cluster=sick member=x reason="+tc.reason) {
				t.Errorf("want one line of the log:\n%s", log)
			}
		})
	}
}

// A member's metrics page that is none, or is too much: what it tells is absent, its
// state is as it was.
func TestSickPage(t *testing.T) {
	c := etcds(t, etcdproc.Options{}, "m1")
	var sent atomic.Int64
	pages := map[string]http.HandlerFunc{
		"another page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") },
		"another member's": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "etcd_server_id{server_id=\"1\"} 1\netcd_server_has_leader 1\n")
		},
		"not found":  http.NotFound,
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"a hundred megabytes": func(w http.ResponseWriter, _ *http.Request) {
			line := []byte("etcd_server_has_leader 1 # " + strings.Repeat("x", 4<<10) + "\n")
			for sent.Load() < 100<<20 {
				n, err := w.Write(line)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		},
		"one endless line": func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				if _, err := w.Write([]byte(strings.Repeat("x", 1<<20))); err != nil {
					return
				}
			}
		},
		"a byte a second": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte("e"))
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second) // the fault itself
			}
		},
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(page)
			defer web.Close()
			inventory := withCanary(c)
			inventory.Members[0].Metrics = web.URL + "/metrics"
			e, _ := watch(t, inventory)
			s := scrape(t, e)
			if s.of(t, "raft_page_read", "m1") != 0 || s.of(t, "raft_member_reachable", "m1") != 1 || s.of(t, "raft_canary_success", "m1") != 1 {
				t.Errorf("%v", s)
			}
			if _, ok := s[`fettle_raft_fsyncs_total{cluster="c",member="m1"}`]; ok {
				t.Error("a page that was not believed is told")
			}
		})
	}
	if n := sent.Load(); n == 0 || n > 32<<20 {
		t.Errorf("%d bytes were taken of a page without end", n)
	}
}

// With no_metrics the pages are not asked for.
func TestNoMetrics(t *testing.T) {
	c := etcds(t, etcdproc.Options{}, "m1")
	var asked atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	t.Cleanup(web.Close)
	inventory := c.Inventory("c")
	inventory.Members[0].Metrics, inventory.Etcd.NoMetrics = web.URL+"/metrics", true
	e, _ := watch(t, inventory)
	s := scrape(t, e)
	if asked.Load() || s.of(t, "raft_page_read", "m1") != 0 || s.of(t, "raft_term", "m1") == 0 {
		t.Errorf("asked %v; %v", asked.Load(), s)
	}
	for name := range s {
		if strings.HasPrefix(name, "fettle_raft_canary") {
			t.Errorf("%s is there, and no canary declared", name)
		}
	}
}
