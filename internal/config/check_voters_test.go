package config

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

func TestCheckVoters(t *testing.T) {
	c, err := Parse("fettle.yml", []byte(`clusters:
  - name: main
    kind: etcd
    members:
      - {name: m1, host: localhost, endpoint: "http://127.0.0.1:1", peer: "http://127.0.0.1:2", unit: etcd.service}
      - {name: m2, host: elsewhere, endpoint: "http://127.0.0.1:3", peer: "http://127.0.0.1:4", unit: etcd.service}
`))
	if err != nil {
		t.Fatal(err)
	}
	asked := []string{}
	limit := 90 * time.Second
	check := func(m cluster.Target) time.Duration {
		asked = append(asked, m.String())
		return limit
	}
	const want = `fettle.yml:5:103: systemd kills etcd.service when it is not ready after 1m30s, and without a quorum etcd never is: set TimeoutStartSec=infinity for it (systemctl edit etcd.service) (warning)`
	got := CheckVoters(c, check)
	if len(got) != 1 || got[0].String() != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
	if len(asked) != 1 || asked[0] != "main/m1" {
		t.Errorf("asked about %v: want the member on this host only", asked)
	}
	limit = 0
	if got := CheckVoters(c, check); len(got) != 0 {
		t.Errorf("for ever is fine: %v", got)
	}
}
