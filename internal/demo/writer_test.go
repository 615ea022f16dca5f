package demo

import (
	"context"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/journal"
)

func TestWriterFindsWhatIsLost(t *testing.T) {
	s := members(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var endpoints []string
	for _, m := range s.Specs {
		endpoints = append(endpoints, m.Client)
	}
	w, err := newWriter(ctx, endpoints)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	writes := func(n int) {
		t.Helper()
		for len(w.acknowledged()) < n {
			if ctx.Err() != nil {
				t.Fatalf("%d writes of %d", len(w.acknowledged()), n)
			}
			time.Sleep(time.Millisecond)
		}
	}
	writes(50)
	if _, err := s.Break(ctx, "m2", Kill); err != nil {
		t.Fatal(err)
	}
	writes(len(w.acknowledged()) + 50) // on through the others
	w.stop()
	if got, err := w.check(ctx); err != nil || got.err() != nil || got.Acknowledged < 100 {
		t.Errorf("%v, %v", got, err)
	}

	victim := w.key(w.acknowledged()[3])
	if _, err := pb.NewKVClient(w.members[0]).DeleteRange(ctx, &pb.DeleteRangeRequest{Key: []byte(victim)}); err != nil {
		t.Fatal(err)
	}
	got, err := w.check(ctx)
	if err != nil || len(got.Lost) != 1 || got.Lost[0] != victim || got.err() == nil {
		t.Errorf("%+v, %v; want %s lost", got, err, victim)
	}
}

func TestWriterReadsManyPages(t *testing.T) {
	s := members(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	w, err := newWriter(ctx, []string{s.Specs[0].Client})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.stop()
	const n = 2500 // more than a page
	kv := pb.NewKVClient(w.members[0])
	for from := 1000; from < 1000+n; from += 100 {
		txn := &pb.TxnRequest{}
		for i := from; i < from+100; i++ {
			txn.Success = append(txn.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(w.key(i))}}})
		}
		if _, err := kv.Txn(ctx, txn); err != nil {
			t.Fatal(err)
		}
	}
	found, err := w.readBack(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1000; i < 1000+n; i++ {
		if !found[w.key(i)] {
			t.Fatalf("%s not found among %d", w.key(i), len(found))
		}
	}
}

func TestProbeSeesTheFirstRead(t *testing.T) {
	s := members(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProbe(s.Specs[0].Client, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if _, err := s.Break(ctx, "m1", Kill); err != nil {
		t.Fatal(err)
	}
	dead, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop()
	if at, ok := p.firstRead(dead); ok {
		t.Errorf("read through a dead member at %v", at)
	}
	begin := clock()
	s.command(t, "start", "m1")
	if at, ok := p.firstRead(ctx); !ok || at.Since <= begin.Since {
		t.Errorf("read at %v (%v), started at %v", at, ok, begin)
	}
}
