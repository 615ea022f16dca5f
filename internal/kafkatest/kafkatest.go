// Package kafkatest drives a stand-in for a Kafka cluster: tools/kfake, which is
// franz-go's kfake in a process of its own. Its protocol is not fettle's: it comes from
// Kafka's own definitions. Start with Start.
package kafkatest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Order is one thing that the stand-in is told to do. Zero values are left out.
type Order struct {
	Do         string            `json:"do"`
	Brokers    int               `json:"brokers,omitempty"`
	Cert       string            `json:"cert,omitempty"`
	Key        string            `json:"key,omitempty"`
	User       string            `json:"user,omitempty"`
	Password   string            `json:"password,omitempty"`
	Rights     []Right           `json:"rights,omitempty"`
	Topic      string            `json:"topic,omitempty"`
	Group      string            `json:"group,omitempty"`
	Partition  int32             `json:"partition"`
	Count      int64             `json:"count,omitempty"`
	Offset     int64             `json:"offset,omitempty"`
	Configs    map[string]string `json:"configs,omitempty"`
	Partitions int32             `json:"partitions,omitempty"`
	Broker     int32             `json:"broker"`
	Leader     int32             `json:"leader"`
	ISR        []int32           `json:"isr,omitempty"`
	Replicas   []int32           `json:"replicas,omitempty"`
	Offline    []int32           `json:"offline,omitempty"`
	Gone       []int32           `json:"gone,omitempty"`
	Controller int32             `json:"controller"`
	// Says are the brokers that tell what an order of metadata says; nil: all of them.
	Says []int32 `json:"says,omitempty"`
}

// Right is one operation that the user may do, in Kafka's words.
type Right struct {
	Resource  string `json:"resource"`
	Name      string `json:"name"`
	Operation string `json:"operation"`
}

// Cluster is a running stand-in. It is not for use by several goroutines at once.
type Cluster struct {
	Addresses []string // by the brokers' numbers

	t       testing.TB
	orders  io.WriteCloser
	answers *bufio.Scanner
}

// Program builds the stand-in, once, and returns its path.
func Program(t testing.TB) string {
	t.Helper()
	top, err := filepath.Abs(filepath.Join("..", ".."))
	must(t, err)
	path := filepath.Join(top, ".cache", "bin", "kfake")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, ".")
	cmd.Dir = filepath.Join(top, "tools", "kfake")
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build tools/kfake: %v\n%s", err, out)
	}
	return path
}

// Start starts a stand-in as o says. It ends with the test.
func Start(t testing.TB, program string, o Order) *Cluster {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		end := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		end.Stop()
	})
	c := &Cluster{t: t, orders: in, answers: bufio.NewScanner(out)}
	o.Do = "start"
	c.Addresses = c.Do(o)
	return c
}

// Do gives an order, and fails the test where it is not done.
func (c *Cluster) Do(o Order) []string {
	c.t.Helper()
	b, err := json.Marshal(o)
	must(c.t, err)
	if _, err := c.orders.Write(append(b, '\n')); err != nil {
		c.t.Fatal(err)
	}
	if !c.answers.Scan() {
		c.t.Fatalf("kfake ended: %v", c.answers.Err())
	}
	var a struct {
		Error     string   `json:"Error"`
		Addresses []string `json:"Addresses"`
	}
	must(c.t, json.Unmarshal(c.answers.Bytes(), &a))
	if a.Error != "" {
		c.t.Fatalf("kfake, %s: %s", o.Do, a.Error)
	}
	return a.Addresses
}

// Coordinator is the number of the broker that keeps a group's offsets.
func (c *Cluster) Coordinator(group string) int32 {
	c.t.Helper()
	n, err := strconv.Atoi(c.Do(Order{Do: "coordinator", Group: group})[0])
	must(c.t, err)
	return int32(n)
}

// Inventory is the cluster as a configuration would name it.
func (c *Cluster) Inventory(name string) cluster.Cluster {
	inv := cluster.Cluster{Name: name, Kind: cluster.KindKafka}
	for i, address := range c.Addresses {
		inv.Members = append(inv.Members, cluster.Member{Name: fmt.Sprint("k", i), Host: "localhost", Endpoint: "kafka://" + address})
	}
	return inv
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
