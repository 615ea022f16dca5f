package probe

import (
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/servertest"
)

// healthy is a gRPC server with a health service: "up" serves, "down" does not.
func healthy(t *testing.T, register bool, o ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(o...)
	if register {
		h := health.NewServer()
		h.SetServingStatus("up", grpc_health_v1.HealthCheckResponse_SERVING)
		h.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		grpc_health_v1.RegisterHealthServer(s, h)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-ended
	})
	return l.Addr().String()
}

func TestGRPC(t *testing.T) {
	const short = 300 * time.Millisecond
	for name, tc := range map[string]struct {
		target, service string
		limit           time.Duration
		want            string
	}{
		"serves":                 {healthy(t, true), "", 0, ""},
		"the service serves":     {healthy(t, true), "up", 0, ""},
		"the service does not":   {healthy(t, true), "down", 0, BadStatus},
		"no such service":        {healthy(t, true), "else", 0, BadStatus},
		"no health service":      {healthy(t, false), "", 0, cluster.BadProtocol},
		"nobody there":           {nobody(t), "", 0, cluster.Refused},
		"no such name":           {"no-such-host.invalid:1", "", 0, Unresolved},
		"silent":                 {servertest.Listen(t, says("")), "", short, cluster.Timeout},
		"another kind of server": {servertest.Listen(t, says("-ERR unknown command\r\n-ERR unknown command\r\n")), "", 0, cluster.BadProtocol},
		"goes":                   {servertest.Listen(t, func(net.Conn) {}), "", 0, Closed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			once(t, Probe{Kind: GRPC, Target: tc.target, GRPC: GRPCOptions{Service: tc.service}, Timeout: tc.limit}, tc.want)
		})
	}
}

func TestGRPCOverTLS(t *testing.T) {
	ours := certtest.New(t, "ours")
	serve := func(valid time.Duration) string {
		return healthy(t, true, grpc.Creds(credentials.NewTLS(certified(t, ours, valid))))
	}
	trust := cluster.TLS{CAFile: ours.File}
	good := once(t, Probe{Kind: GRPC, Target: serve(5 * time.Hour), TLS: trust}, "")
	if phases(good) != " connect tls wait" {
		t.Errorf("phases%s", phases(good))
	}
	expiresIn(t, good, 5*time.Hour)
	expiresIn(t, once(t, Probe{Kind: GRPC, Target: serve(-time.Hour), TLS: trust}, cluster.BadTLS), -time.Hour)
	expiresIn(t, once(t, Probe{Kind: GRPC, Target: serve(5 * time.Hour), TLS: cluster.TLS{Enabled: true}}, cluster.BadTLS), 5*time.Hour)
	once(t, Probe{Kind: GRPC, Target: healthy(t, true), TLS: trust}, cluster.BadTLS)
}
