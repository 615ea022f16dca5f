package port

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
)

// TestMain is also another process that asks for ports: it prints them, and lives until
// its standard input ends; or one that ends at once.
func TestMain(m *testing.M) {
	switch os.Getenv("PORT_TEST") {
	case "":
		os.Exit(m.Run())
	case "end":
		os.Exit(0)
	}
	list, err := Free(20 * block)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, p := range list {
		fmt.Println(p)
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	os.Exit(0)
}

// No two that ask at the same time are told the same port, before anybody listens on it.
func TestNoPortTwice(t *testing.T) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[int]bool{}
	for range 20 {
		wg.Go(func() {
			list, err := Free(10)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(list) != 10 {
				t.Errorf("%d ports, want 10", len(list))
			}
			for _, p := range list {
				if seen[p] || p < first || p >= end {
					t.Errorf("port %d: twice, or out of its range", p)
				}
				seen[p] = true
			}
		})
	}
	wg.Wait()
}

// A port can be listened on at once, whatever is started beside: what is started has a copy
// of each descriptor until its exec.
func TestFreeWhileProgramsStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				cmd := exec.CommandContext(ctx, os.Args[0])
				cmd.Env = append(os.Environ(), "PORT_TEST=end")
				if err := cmd.Run(); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	var p ports
	for range 3000 {
		l, err := net.Listen("tcp", address(take(t, &p, 1)[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		_ = l.Close()
	}
	cancel()
	wg.Wait()
}

// What listens already, by TCP or by UDP, is passed over.
func TestTakenPortsArePassedOver(t *testing.T) {
	var p ports
	list := take(t, &p, 1)
	tcp, err := net.Listen("tcp", address(list[0]+1))
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", address(list[0]+2))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	if next := take(t, &p, 1); next[0] != list[0]+3 {
		t.Errorf("port %d, want %d behind two that are taken", next[0], list[0]+3)
	}
}

// A process that has used up its block claims another.
func TestAnotherBlock(t *testing.T) {
	var p ports
	list := take(t, &p, 2*block)
	if len(list) != 2*block || len(p.claims) != 3 {
		t.Errorf("%d ports of %d blocks", len(list), len(p.claims))
	}
}

// Another process claims other blocks while this one lives.
func TestProcessesShareNoBlock(t *testing.T) {
	var p ports
	ours := map[int]bool{}
	for _, one := range take(t, &p, 50*block) {
		ours[start(one)] = true
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PORT_TEST=ask")
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 20 * block {
		if !lines.Scan() {
			t.Fatal("it said too few")
		}
		one, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		if ours[start(one)] {
			t.Errorf("port %d is of a block that this process has", one)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// take takes n, and gives the claims back at the test's end.
func take(t *testing.T, p *ports, n int) []int {
	t.Helper()
	list, err := p.take(n)
	t.Cleanup(func() {
		for _, l := range p.claims {
			_ = l.Close()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// start is the first port of a port's block.
func start(port int) int { return port - (port-first)%block }
