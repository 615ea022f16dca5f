package rafttest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

// A wrong authority, no certificate, a wrong password, a wrong password of the canary:
// a bounded reason, one line of the log for each change, and no secret anywhere.
func TestWrongKeys(t *testing.T) {
	const secret = "canary-of-the-password"
	ours, others := certtest.New(t, "ours"), certtest.New(t, "others")
	pair := ours.Issue(scratch(t), time.Hour, "127.0.0.1")
	right := cluster.TLS{CAFile: ours.File, CertFile: pair.CertFile, KeyFile: pair.KeyFile}
	behind := etcds(t, etcdproc.Options{TLS: right}, "m1")
	plain := etcds(t, etcdproc.Options{}, "m1")
	auth := pb.NewAuthClient(client(t, plain, "m1"))
	_, err := auth.UserAdd(patience(t), &pb.AuthUserAddRequest{Name: "root", Password: "right-" + secret})
	must(t, err)
	_, err = auth.UserGrantRole(patience(t), &pb.AuthUserGrantRoleRequest{User: "root", Role: "root"})
	must(t, err)
	_, err = auth.AuthEnable(patience(t), &pb.AuthEnableRequest{})
	must(t, err)
	password := filepath.Join(scratch(t), "password")
	must(t, os.WriteFile(password, []byte("wrong-"+secret+"\n"), 0o600))

	for name, tc := range map[string]struct {
		of     *etcdproc.Cluster
		change func(*cluster.Cluster)
		reason string // of the canary, and of the member unless it tells its status to anybody
	}{
		"another authority": {behind, func(c *cluster.Cluster) { c.TLS.CAFile = others.File }, "tls"},
		"no certificate":    {behind, func(c *cluster.Cluster) { c.TLS.CertFile, c.TLS.KeyFile = "", "" }, "tls"},
		"a wrong password":  {plain, func(c *cluster.Cluster) { c.Read = cluster.Login{Username: "root", PasswordFile: password} }, "auth"},
		"a wrong password of the canary": {plain, func(c *cluster.Cluster) {
			c.Etcd.Canary.Login = cluster.Login{Username: "root", PasswordFile: password}
		}, "auth"},
	} {
		t.Run(name, func(t *testing.T) {
			inventory := withCanary(tc.of)
			inventory.Etcd.Canary.Timeout = 5 * time.Second // a login costs a password hash
			tc.change(&inventory)
			e, log := watch(t, inventory)
			scrape(t, e)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			s := parse(t, w.Body.String())
			if s.of(t, "raft_canary_success", "m1") != 0 || s[`fettle_raft_canary_failure{cluster="c",member="m1",reason="`+tc.reason+`"}`] != 1 {
				t.Errorf("want %s: %v", tc.reason, s)
			}
			reachable := s.of(t, "raft_member_reachable", "m1") == 1 // some versions tell their status to anybody
			if !reachable && s[`fettle_member_failure{cluster="c",member="m1",reason="`+tc.reason+`"}`] != 1 || reachable && tc.reason == "tls" {
				t.Errorf("want %s: %v", tc.reason, s)
			}
			lines := strings.Count(log.String(), "\n")
			if reachable && lines != 0 || !reachable && lines != 1 {
				t.Errorf("reachable %v, and %d lines of the log:\n%s", reachable, lines, log)
			}
			if strings.Contains(w.Body.String()+log.String(), secret) {
				t.Errorf("a password is told:\n%s", log)
			}
		})
	}
}
