// Command kfake is a stand-in for a Kafka cluster: franz-go's kfake, which knows Kafka's
// protocol from Kafka's own definitions, steered by lines of JSON on its standard input.
// It answers each line with one of its own, and ends with its input. For fettle's tests.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// order is one line. Do says what; the rest is what that needs.
type order struct {
	Do             string
	Brokers        int
	Cert, Key      string
	User, Password string
	Rights         []right
	Topic, Group   string
	Partition      int32
	Count, Offset  int64
	Configs        map[string]string
	Partitions     int32
	Broker         int32
	Leader         int32
	ISR, Replicas  []int32
	Offline        []int32
	Gone           []int32
	Controller     int32
	Says           []int32 // the brokers that tell what an order of metadata says; none: all
}

// right is one operation that the user may do.
type right struct{ Resource, Name, Operation string }

// answer is what is told of an order.
type answer struct {
	Error     string
	Addresses []string
}

// stand is the running stand-in.
type stand struct {
	cluster *kfake.Cluster
	client  *kgo.Client

	mu     sync.Mutex
	frozen map[int32]bool
	shown  map[string]order // by topic and partition: what metadata says in place of the truth
	view   order
	topics map[string]int32
	// What kfake tells of itself it tells only while it answers nobody.
	addresses []string
	leaders   map[string]int32 // by topic and partition
}

func key(topic string, partition int32) string { return topic + "/" + strconv.Itoa(int(partition)) }

func main() {
	s := &stand{frozen: map[int32]bool{}, shown: map[string]order{}, topics: map[string]int32{}}
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var o order
		var a answer
		err := json.Unmarshal(lines.Bytes(), &o)
		if err == nil {
			a.Addresses, err = s.do(o)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return
		}
	}
}

func (s *stand) do(o order) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	switch o.Do {
	case "start":
		return s.start(o)
	case "topic":
		s.mu.Lock()
		s.topics[o.Topic] = o.Partitions
		s.mu.Unlock()
		return nil, s.cluster.CreateTopic(o.Topic, o.Partitions, o.Configs)
	case "produce":
		for range o.Count {
			r := &kgo.Record{Topic: o.Topic, Partition: o.Partition, Value: []byte("x")}
			if err := s.client.ProduceSync(ctx, r).FirstErr(); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "commit":
		return nil, s.commit(ctx, o)
	case "forget":
		r := kmsg.NewPtrDeleteGroupsRequest()
		r.Groups = []string{o.Group}
		_, err := r.RequestWith(ctx, s.client)
		return nil, err
	case "leader":
		return nil, s.cluster.MoveTopicPartition(o.Topic, o.Partition, o.Leader)
	case "freeze":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frozen[o.Broker] = o.Count == 0
		return nil, nil
	case "metadata":
		leaders := map[string]int32{}
		for name, count := range s.topics {
			for i := range count {
				leaders[key(name, i)] = s.cluster.LeaderFor(name, i)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leaders, s.view = leaders, o
		if o.Topic != "" {
			s.shown[key(o.Topic, o.Partition)] = o
		}
		return nil, nil
	case "coordinator":
		return []string{strconv.Itoa(int(s.cluster.CoordinatorFor(o.Group)))}, nil
	case "remove":
		return nil, s.cluster.RemoveNode(o.Broker)
	}
	return nil, fmt.Errorf("no order %q", o.Do)
}

func (s *stand) start(o order) ([]string, error) {
	options := []kfake.Opt{kfake.NumBrokers(o.Brokers)}
	// Later versions name topics by their IDs.
	client := []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxVersions(kversion.V3_0_0()), kgo.MetadataMinAge(50 * time.Millisecond)}
	if o.User != "" {
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, err
		}
		var acls []kfake.ACL
		for _, r := range o.Rights {
			resource, err := kmsg.ParseACLResourceType(r.Resource)
			if err != nil {
				return nil, err
			}
			operation, err := kmsg.ParseACLOperation(r.Operation)
			if err != nil {
				return nil, err
			}
			acls = append(acls, kfake.ACL{Resource: resource, Name: r.Name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true})
		}
		options = append(options, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin"),
			kfake.User("PLAIN", o.User, o.Password, acls...), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
		client = append(client, kgo.SASL(plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()),
			kgo.DialTLSConfig(&tls.Config{InsecureSkipVerify: true})) //nolint:gosec // its own stand-in, on loopback
	}
	var err error
	if s.cluster, err = kfake.NewCluster(options...); err != nil {
		return nil, err
	}
	s.addresses = s.cluster.ListenAddrs()
	s.cluster.ControlKey(-1, s.freeze)
	s.cluster.ControlKey(int16(kmsg.Metadata), s.metadata)
	s.client, err = kgo.NewClient(append(client, kgo.SeedBrokers(s.addresses...))...)
	return s.addresses, err
}

func (s *stand) commit(ctx context.Context, o order) error {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.Generation = o.Group, -1
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = o.Topic
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = o.Partition, o.Offset
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	resp, err := r.RequestWith(ctx, s.client)
	if err != nil {
		return err
	}
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != 0 {
		return fmt.Errorf("commit: error %d", code)
	}
	return nil
}

// freeze lets a frozen broker answer nothing.
func (s *stand) freeze(kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cluster.KeepControl()
	return nil, nil, s.frozen[s.cluster.CurrentNode()]
}

// metadata tells what an order said in place of the truth, once one did. Only clients
// that say they are fettle are told so.
func (s *stand) metadata(req kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cluster.KeepControl()
	r := req.(*kmsg.MetadataRequest)
	says := len(s.view.Says) == 0 || slices.Contains(s.view.Says, s.cluster.CurrentNode())
	if s.view.Do == "" || !says || r.Version != 5 { // the version that fettle asks in
		return nil, nil, false
	}
	resp := r.ResponseKind().(*kmsg.MetadataResponse)
	resp.ControllerID = s.view.Controller
	resp.ClusterID = kmsg.StringPtr("kfake")
	gone := map[int32]bool{}
	for _, id := range s.view.Gone {
		gone[id] = true
	}
	for id, address := range s.addresses {
		if gone[int32(id)] {
			continue
		}
		host, port, _ := net.SplitHostPort(address)
		b := kmsg.NewMetadataResponseBroker()
		n, _ := strconv.Atoi(port)
		b.NodeID, b.Host, b.Port = int32(id), host, int32(n)
		resp.Brokers = append(resp.Brokers, b)
	}
	if r.Topics != nil {
		return resp, nil, true
	}
	for name, count := range s.topics {
		t := kmsg.NewMetadataResponseTopic()
		t.Topic = kmsg.StringPtr(name)
		for i := range count {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Partition = i
			if o, ok := s.shown[key(name, i)]; ok {
				p.Leader, p.ISR, p.Replicas, p.OfflineReplicas = o.Leader, o.ISR, o.Replicas, o.Offline
				if o.Leader < 0 {
					p.ErrorCode = 5
				}
			} else {
				p.Leader = s.leaders[key(name, i)]
				p.Replicas, p.ISR = []int32{p.Leader}, []int32{p.Leader}
			}
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp, nil, true
}
