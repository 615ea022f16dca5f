package inventory

import (
	"strings"
	"testing"
	"time"
)

const etcdCluster = `clusters:
- name: demo
  kind: etcd
  members:
  - {name: m1, endpoint: "http://127.0.0.1:2379"}
  etcd:
    `

func TestEtcd(t *testing.T) {
	cs, err := checked(etcdCluster+`{no_metrics: true, canary: {prefix: /fettle/canary/, timeout: 500ms, login: {username: w, password_file: /etc/w}}}`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := cs[0].Etcd
	if !e.NoMetrics || !e.Canary.On() || e.Canary.Timeout != 500*time.Millisecond || e.Canary.Login.PasswordFile != "/etc/w" {
		t.Errorf("%+v", e)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"no prefix":       {etcdCluster + `canary: {timeout: 1s}`, "f.yml:7:13: the canary has no prefix"},
		"the whole store": {etcdCluster + `canary: {prefix: /}`, "f.yml:7:22: prefix \"/\" must begin and end with a slash"},
		"not closed":      {etcdCluster + `canary: {prefix: /fettle}`, "f.yml:7:22: prefix"},
		"too slow":        {etcdCluster + `canary: {prefix: /f/, timeout: 1m}`, "f.yml:7:36: timeout 1m0s must be above 0 and at most 5s"},
		"half a login":    {etcdCluster + `canary: {prefix: /f/, login: {username: w}}`, "f.yml:7:34: a login needs both"},
		"no path":         {etcdCluster + `canary: {prefix: /f/, login: {username: w, password_file: w}}`, "f.yml:7:63: password_file \"w\" is not absolute"},
		"of another kind": {strings.Replace(etcdCluster, "kind: etcd", "kind: consul", 1) + `no_metrics: true`, "has no section etcd"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := checked(tc.in, Options{}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
