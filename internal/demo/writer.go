package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// writer puts unique keys through the cluster all the time, each through one member,
// and notes which were acknowledged. What was acknowledged must be found again.
type writer struct {
	members []*grpc.ClientConn
	prefix  string        // ends in a slash
	pause   time.Duration // between two puts
	timeout time.Duration // of a put

	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	acked []int // the keys' numbers, rising
}

// newWriter makes a writer over the members' client URLs, and starts it.
func newWriter(ctx context.Context, endpoints []string) (*writer, error) {
	w := &writer{prefix: "fettle-demo/", pause: 5 * time.Millisecond, timeout: time.Second, ended: make(chan struct{})}
	for _, e := range endpoints {
		cc, err := dial(e)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("writer: %w", err), w.disconnect())
		}
		w.members = append(w.members, cc)
	}
	ctx, w.cancel = context.WithCancel(ctx)
	go w.run(ctx)
	return w, nil
}

func (w *writer) run(ctx context.Context) {
	defer close(w.ended)
	tick := time.NewTicker(w.pause)
	defer tick.Stop()
	var puts sync.WaitGroup
	defer puts.Wait()
	slots := make(chan struct{}, 16*len(w.members)) // a hung member must not stop the writing through the others
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case slots <- struct{}{}:
		default:
			continue // that many are waiting already; the number is skipped, not lost
		}
		puts.Go(func() {
			defer func() { <-slots }()
			w.put(ctx, n)
		})
	}
}

func (w *writer) put(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	if _, err := pb.NewKVClient(w.members[n%len(w.members)]).Put(ctx, &pb.PutRequest{Key: []byte(w.key(n))}); err != nil {
		return // not acknowledged: it may be there or not
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked = append(w.acked, n)
}

func (w *writer) key(n int) string { return fmt.Sprintf("%s%012d", w.prefix, n) }

// acknowledged are the keys acknowledged so far.
func (w *writer) acknowledged() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked[:len(w.acked):len(w.acked)]
}

// writes is what a check found.
type writes struct {
	Acknowledged int      `json:"acknowledged"`
	Lost         []string `json:"lost"` // acknowledged, and not found
}

// check reads all keys back, linearizably, and compares them with what was
// acknowledged before.
func (w *writer) check(ctx context.Context) (writes, error) {
	acked := w.acknowledged()
	found, err := w.readBack(ctx)
	if err != nil {
		return writes{}, fmt.Errorf("read back what was written: %w", err)
	}
	return w.compare(acked, found), nil
}

func (w *writer) compare(acked []int, found map[string]bool) writes {
	r := writes{Acknowledged: len(acked), Lost: []string{}}
	for _, n := range acked {
		if key := w.key(n); !found[key] {
			r.Lost = append(r.Lost, key)
		}
	}
	return r
}

// readBack reads every key, through the first member that answers.
func (w *writer) readBack(ctx context.Context) (map[string]bool, error) {
	var errs []error
	for _, cc := range w.members {
		found, err := w.readThrough(ctx, pb.NewKVClient(cc))
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// readThrough reads page by page, all of one revision, which the first page's
// linearizable read decides.
func (w *writer) readThrough(ctx context.Context, kv pb.KVClient) (map[string]bool, error) {
	found := map[string]bool{}
	end := strings.TrimSuffix(w.prefix, "/") + "0" // 0 comes after /
	q := &pb.RangeRequest{Key: []byte(w.prefix), RangeEnd: []byte(end), Limit: 2000, KeysOnly: true}
	for {
		page, err := w.page(ctx, kv, q)
		if err != nil {
			return nil, err
		}
		for _, kv := range page.Kvs {
			found[string(kv.Key)] = true
		}
		if !page.More {
			return found, nil
		}
		q.Key = append(page.Kvs[len(page.Kvs)-1].Key, 0)
		if q.Revision == 0 {
			q.Revision = page.Header.Revision
		}
	}
}

func (w *writer) page(ctx context.Context, kv pb.KVClient, q *pb.RangeRequest) (*pb.RangeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return kv.Range(ctx, q)
}

// stop ends the writing; what was begun is waited for.
func (w *writer) stop() {
	w.cancel()
	<-w.ended
}

// close ends the writing and the connections.
func (w *writer) close() error {
	w.stop()
	return w.disconnect()
}

func (w *writer) disconnect() error {
	var errs []error
	for _, cc := range w.members {
		errs = append(errs, cc.Close())
	}
	return errors.Join(errs...)
}

func (r writes) String() string {
	if len(r.Lost) == 0 {
		return fmt.Sprintf("%d acknowledged, 0 lost", r.Acknowledged)
	}
	return fmt.Sprintf("%d acknowledged, %d LOST: %s", r.Acknowledged, len(r.Lost), strings.Join(r.Lost[:min(5, len(r.Lost))], ", "))
}

// errLost ends a demo in which a write was lost.
var errLost = errors.New("acknowledged writes were lost")

func (r writes) err() error {
	if len(r.Lost) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errLost, r)
}
