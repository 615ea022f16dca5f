package etcd

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// What a member advertises does not take the password of a cluster with TLS into the clear.
func TestLoginAt(t *testing.T) {
	read := cluster.Login{Username: "look", PasswordFile: "/x"}
	for _, tc := range []struct {
		advertised, asked string
		want              cluster.Login
	}{
		{"https://b:2379", "https://a:2379", read},
		{"HTTPS://b:2379", "https://a:2379", read},
		{"http://b:2379", "http://a:2379", read},
		{"https://b:2379", "http://a:2379", read},
		{"http://localhost:2379", "https://a:2379", cluster.Login{}},
		{"unix:b", "https://a:2379", cluster.Login{}},
		{"http://b:2379", "HTTPS://a:2379", cluster.Login{}},
	} {
		if got := loginAt(tc.advertised, tc.asked, read); got != tc.want {
			t.Errorf("%s, after %s: %+v", tc.advertised, tc.asked, got)
		}
	}
}
