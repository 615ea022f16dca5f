//go:build servers

package kafka

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/kafkatest"
)

func start(t *testing.T, o kafkatest.Order) *kafkatest.Cluster {
	t.Helper()
	return kafkatest.Start(t, kafkatest.Program(t), o)
}

func driver(t *testing.T, c cluster.Cluster) *Driver {
	t.Helper()
	d, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func await(t *testing.T, d *Driver, want string) cluster.View {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		v := d.View(t.Context())
		if shown(v) == want {
			return v
		}
		if time.Now().After(end) {
			t.Fatalf("got\n%s\nwant\n%s\n%s %v", shown(v), want, v.Members[0].Why, v.Detail.(*Summary).Err)
		}
	}
}

// The cells of the table in docs/collectors/kafka.md, against the stand-in. It has no
// replicas of its own: what metadata says of them is ordered.
func TestTruth(t *testing.T) {
	all := []int32{0, 1, 2}
	const well = "k0: up running\nk1: up running\nk2: up running\nunder 0 offline 0 below 0\nbilling: up 2 partitions, 0 unread, lag 5, most 3"
	for _, tc := range []struct {
		name string
		make func(k *kafkatest.Cluster)
		want string
	}{
		{"all healthy", func(k *kafkatest.Cluster) {}, well},
		{"the group has read everything, idle producer", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "commit", Group: "billing", Topic: "orders", Partition: 0, Offset: 5})
			k.Do(kafkatest.Order{Do: "commit", Group: "billing", Topic: "orders", Partition: 1, Offset: 5})
		}, strings.Replace(well, "lag 5, most 3", "lag 0, most 0", 1)},
		{"consumers stopped", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "produce", Topic: "orders", Partition: 1, Count: 10})
		}, strings.Replace(well, "lag 5, most 3", "lag 15, most 12", 1)},
		{"offsets reset", func(k *kafkatest.Cluster) { k.Do(kafkatest.Order{Do: "forget", Group: "billing"}) }, strings.Replace(well, "2 partitions, 0 unread, lag 5, most 3", "0 partitions, 0 unread, lag -, most -", 1)},
		{"replica cut off", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "metadata", Controller: k.Coordinator("billing"), Topic: "orders", Leader: k.Coordinator("billing"), Replicas: all, ISR: all[:2]})
		}, strings.NewReplacer("k2: up running", "k2: up", "under 0", "under 1").Replace(well)},
		{"below min.insync.replicas", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "metadata", Controller: k.Coordinator("billing"), Topic: "orders", Leader: k.Coordinator("billing"), Replicas: all, ISR: all[:1]})
		}, strings.NewReplacer("k1: up running", "k1: up", "k2: up running", "k2: up", "under 0", "under 1", "below 0", "below 1").Replace(well)},
		{"no leader", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "metadata", Topic: "orders", Leader: -1, Replicas: all[2:], Offline: all[2:]})
		}, strings.NewReplacer("k2: up running", "k2: up", "under 0 offline 0 below 0", "under 1 offline 1 below 1", "0 unread, lag 5, most 3", "1 unread, lag -, most -").Replace(well)},
		{"no controller", func(k *kafkatest.Cluster) { k.Do(kafkatest.Order{Do: "metadata", Controller: -1}) }, well},
		{"broker taken out", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "metadata", Controller: k.Coordinator("billing"), Gone: []int32{idle(k)}})
		}, ""},
		{"a broker with old metadata, which is asked first", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "metadata", Says: all[:1], Gone: all[2:], Controller: 0, Topic: "orders", Leader: -1, Replicas: all[2:], Offline: all[2:]})
		}, well},
		{"one broker against one", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "freeze", Broker: 2})
			k.Do(kafkatest.Order{Do: "metadata", Says: all[:1], Gone: all[2:], Controller: 0})
		}, "k0: up\nk1: up\nk2: (timeout)\nunder - offline - below -\nbilling: 0 partitions, 0 unread, lag -, most -"},
		{"broker frozen", func(k *kafkatest.Cluster) { k.Do(kafkatest.Order{Do: "freeze", Broker: idle(k)}) }, ""},
		{"leader frozen", func(k *kafkatest.Cluster) {
			k.Do(kafkatest.Order{Do: "leader", Topic: "orders", Partition: 0, Leader: idle(k)})
			k.Do(kafkatest.Order{Do: "freeze", Broker: idle(k)})
		}, ""},
		{"coordinator frozen", func(k *kafkatest.Cluster) { k.Do(kafkatest.Order{Do: "freeze", Broker: k.Coordinator("billing")}) }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := start(t, kafkatest.Order{Brokers: 3})
			coordinator := k.Coordinator("billing")
			k.Do(kafkatest.Order{Do: "topic", Topic: "orders", Partitions: 2, Configs: map[string]string{"min.insync.replicas": "2"}})
			for p := range int32(2) {
				k.Do(kafkatest.Order{Do: "leader", Topic: "orders", Partition: p, Leader: coordinator})
				k.Do(kafkatest.Order{Do: "produce", Topic: "orders", Partition: p, Count: 5})
				k.Do(kafkatest.Order{Do: "commit", Group: "billing", Topic: "orders", Partition: p, Offset: int64(2 + p)})
			}
			c := k.Inventory("c")
			c.Kafka.Groups = []string{"billing"}
			d := driver(t, c)
			await(t, d, well)
			tc.make(k)
			want := tc.want
			broker := func(id int32) string { return []string{"k0", "k1", "k2"}[id] + ": up running" }
			switch tc.name {
			case "broker taken out": // it answers, and none of the others knows it
				want = strings.Replace(well, broker(idle(k)), strings.TrimSuffix(broker(idle(k)), " running"), 1)
			case "broker frozen":
				want = strings.Replace(well, broker(idle(k)), broker(idle(k))[:2]+": (timeout)", 1)
			case "leader frozen":
				want = strings.NewReplacer(broker(idle(k)), broker(idle(k))[:2]+": (timeout)", "0 unread, lag 5, most 3", "1 unread, lag -, most -").Replace(well)
			case "coordinator frozen":
				want = strings.NewReplacer(broker(coordinator), broker(coordinator)[:2]+": (timeout)", "up 2 partitions, 0 unread, lag 5, most 3", "0 partitions, 0 unread, lag -, most -").Replace(well)
			}
			v := await(t, d, want)
			if s := v.Detail.(*Summary); s.Controller == (tc.name == "no controller") {
				t.Errorf("a controller: %v", s.Controller)
			}
			if err := v.Detail.(*Summary).Err; (err != nil) != (tc.name == "coordinator frozen" || tc.name == "one broker against one") {
				t.Errorf("what is missing: %v", err)
			}
			if old := strings.Contains(tc.name, "old metadata") || tc.name == "one broker against one"; v.Mismatch != old {
				t.Errorf("brokers that differ: %v", v.Mismatch)
			}
		})
	}
}

// idle is a broker that is nobody's coordinator or leader.
func idle(k *kafkatest.Cluster) int32 { return (k.Coordinator("billing") + 1) % 3 }

func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The rights that docs/collectors/kafka.md names are enough.
func TestLogins(t *testing.T) {
	const canary = "canary-3c19"
	ca := certtest.New(t, "ca")
	pair := ca.Issue(t.TempDir(), time.Hour, "127.0.0.1")
	rights := []kafkatest.Right{
		{Resource: "TOPIC", Name: "*", Operation: "DESCRIBE"}, {Resource: "TOPIC", Name: "*", Operation: "DESCRIBE_CONFIGS"}, {Resource: "GROUP", Name: "billing", Operation: "DESCRIBE"},
	}
	for _, tc := range []struct {
		name, user, password string
		tls                  cluster.TLS
		rights               []kafkatest.Right
		reason               string // of the broker
		missing              string // in what is told to be missing
	}{
		{"with exactly the rights", "fettle", canary, cluster.TLS{CAFile: ca.File}, rights, "", ""},
		{"without the group", "fettle", canary, cluster.TLS{CAFile: ca.File}, rights[:2], "", "billing"},
		{"another password", "fettle", "wrong-" + canary, cluster.TLS{CAFile: ca.File}, rights, cluster.BadAuth, ""},
		{"another user", "nobody", canary, cluster.TLS{CAFile: ca.File}, rights, cluster.BadAuth, ""},
		{"another authority", "fettle", canary, cluster.TLS{CAFile: certtest.New(t, "other").File}, rights, cluster.BadTLS, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := start(t, kafkatest.Order{Brokers: 1, User: "fettle", Password: canary, Cert: pair.CertFile, Key: pair.KeyFile, Rights: tc.rights})
			k.Do(kafkatest.Order{Do: "topic", Topic: "orders", Partitions: 1})
			k.Do(kafkatest.Order{Do: "produce", Topic: "orders", Count: 5})
			k.Do(kafkatest.Order{Do: "commit", Group: "billing", Topic: "orders", Offset: 2})
			c := k.Inventory("c")
			c.Kafka.Groups, c.TLS = []string{"billing"}, tc.tls
			c.Read = cluster.Login{Username: tc.user, PasswordFile: secret(t, tc.password)}
			d := driver(t, c)
			want := map[bool]string{true: "k0: (" + tc.reason + ")\nunder - offline - below -\nbilling: 0 partitions, 0 unread, lag -, most -", false: "k0: up running\nunder 0 offline 0 below 0\nbilling: up 1 partitions, 0 unread, lag 3, most 3"}[tc.reason != ""]
			if tc.missing != "" {
				want = "k0: up running\nunder 0 offline 0 below 0\nbilling: 0 partitions, 0 unread, lag -, most -"
			}
			v := await(t, d, want)
			err := v.Detail.(*Summary).Err
			if why := v.Members[0].Why + line.Why(err); strings.Contains(why, canary) || !strings.Contains(why, tc.missing) || (tc.missing != "") != (line.Reason(err) == cluster.BadAuth) {
				t.Errorf("%s", why)
			}
		})
	}
	if _, err := New(cluster.Cluster{Kind: cluster.KindKafka, Read: cluster.Login{PasswordFile: "/p"}}, Options{}); err == nil || !strings.Contains(err.Error(), "needs tls") {
		t.Errorf("a password in the clear: %v", err)
	}
}
