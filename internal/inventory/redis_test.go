package inventory

import (
	"testing"
	"time"
)

func TestRedis(t *testing.T) {
	cs, err := checked(`
clusters:
- name: cache
  kind: redis
  read: {password_file: /etc/fettle/redis}
  tls: {enabled: true}
  redis:
    sentinels: [10.0.0.1:26379, "[::1]:26379", sentinel.example:26379]
    master: cache
    read: {username: fettle, password_file: /etc/fettle/sentinel}
    max_silence: 1m
    config: true
  members:
  - {name: r1, endpoint: "redis://10.0.0.1:6379"}
  - {name: r2, endpoint: "unix:///run/redis.sock", host: localhost}
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := cs[0].Redis; len(r.Sentinels) != 3 || r.Master != "cache" || r.MaxSilence != time.Minute || !r.Config || r.Read.Username != "fettle" {
		t.Errorf("%+v", r)
	}
}

func TestRedisRefuses(t *testing.T) {
	redis := func(section string) string {
		return "clusters:\n- name: cache\n  kind: redis\n  redis: " + section + "\n  members: [{name: r1, endpoint: \"redis://10.0.0.1:6379\"}]\n"
	}
	for name, tc := range map[string]struct{ in, want string }{
		"another kind": {
			"clusters:\n- name: a\n  kind: postgres\n  redis: {master: x}\n  members: [{name: r1, endpoint: \"postgres://10.0.0.1:5432\"}]\n",
			`4:10: redis is declared, but the cluster is of kind "postgres": leave it out`,
		},
		"no master":    {redis("{sentinels: [a:1]}"), "4:22: sentinels are declared without master: write the name that they watch the cluster under, of `sentinel monitor NAME`"},
		"no sentinels": {redis("{master: a}"), `4:19: master is declared without sentinels: list their addresses`},
		"master":       {redis(`{sentinels: [a:1], master: "a b"}`), `4:37: master "a b" must be letters, digits, dots, dashes and underscores, at most 127`},
		"address":      {redis("{sentinels: [a], master: m}"), `4:23: sentinel "a" is no address: write it like 10.0.0.1:26379`},
		"URL":          {redis(`{sentinels: ["redis://a:1"], master: m}`), `4:23: sentinel "redis://a:1" is no address: write it like 10.0.0.1:26379`},
		"port":         {redis("{sentinels: [a:0], master: m}"), `4:23: sentinel "a:0" has a port that is not 1 to 65535`},
		"twice":        {redis("{sentinels: [a:1, a:1], master: m}"), `4:28: sentinel "a:1" is listed twice: keep one`},
		"half a login": {redis("{sentinels: [a:1], master: m, read: {username: u}}"), `4:46: a login needs both username and password_file`},
		"a login at nobody": {
			redis("{read: {password_file: /p}}"),
			`4:17: read is the login at the Sentinels, and none are listed: that at the servers is the cluster's own read`,
		},
		"relative": {redis("{sentinels: [a:1], master: m, read: {password_file: p}}"), `4:62: password_file "p" is not absolute: write the whole path, from / on`},
		"silence":  {redis("{max_silence: 10ms}"), `4:24: max_silence 10ms is less than a second: Redis counts in seconds, and pings every 10`},
		"key":      {redis("{sentinel: [a:1]}"), `4:11: unknown key "sentinel" in clusters[0].redis; did you mean "sentinels"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checked(tc.in, Options{})
			if err == nil {
				t.Fatal("was taken")
			}
			if got, want := err.Error(), "f.yml:"+tc.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
