package chrony_test

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/exporter/chrony"
)

func ask(t *testing.T, address string) (chrony.Status, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return chrony.Ask(ctx, address)
}

func TestAsk(t *testing.T) {
	s, err := ask(t, fakeChronyd{tracking: trackingBehind, sources: []string{selected, silent}}.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	// chronyc said: stratum 9, 100.000007629 seconds slow, root delay 0.000026904, dispersion 0.000002174 (it grows).
	if g := s.Tracking; g.Stratum != 9 || g.Leap != chrony.LeapNone || g.ReferenceID != 0x7f000001 ||
		math.Abs(g.Correction-100.000007629) > 1e-8 || math.Abs(g.RootDelay-0.0000269) > 1e-7 || math.Abs(g.RootDispersion-0.00000217) > 3e-7 {
		t.Errorf("tracking %+v", g)
	}
	if want := time.Date(2026, 11, 21, 17, 25, 27, 687549545, time.UTC); !s.Tracking.ReferenceTime.Equal(want) {
		t.Errorf("compared at %s, want %s", s.Tracking.ReferenceTime.UTC(), want)
	}
	if len(s.Sources) != 2 || s.Reachable() != 1 || !s.Synchronised() {
		t.Errorf("%d sources, %d reachable, synchronised %v", len(s.Sources), s.Reachable(), s.Synchronised())
	}
}

func TestSynchronised(t *testing.T) {
	reached := func(state chrony.State, bits uint16) chrony.Source {
		return chrony.Source{State: state, Reachability: bits}
	}
	for name, tc := range map[string]struct {
		leap    chrony.Leap
		sources []chrony.Source
		want    bool
	}{
		"follows one":                      {chrony.LeapNone, []chrony.Source{reached(1, 255), reached(chrony.Selected, 1)}, true},
		"a leap second is announced":       {chrony.LeapInsert, []chrony.Source{reached(chrony.Selected, 255)}, true},
		"its own clock, no source":         {chrony.LeapNone, nil, false},
		"none is selected":                 {chrony.LeapNone, []chrony.Source{reached(2, 255), reached(5, 255)}, false},
		"the selected one answers no more": {chrony.LeapNone, []chrony.Source{reached(chrony.Selected, 0), reached(1, 255)}, false},
		"it says that it is not":           {chrony.LeapUnknown, []chrony.Source{reached(chrony.Selected, 255)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := chrony.Status{Tracking: chrony.Tracking{Leap: tc.leap}, Sources: tc.sources}
			if got := s.Synchronised(); got != tc.want {
				t.Errorf("synchronised %v, want %v", got, tc.want)
			}
		})
	}
}

func TestLocalStratumIsNotSynchronised(t *testing.T) {
	s, err := ask(t, fakeChronyd{tracking: trackingLocal}.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.Tracking.Stratum != 10 || s.Tracking.Leap != chrony.LeapNone || s.Synchronised() {
		t.Errorf("stratum %d, leap %d, synchronised %v", s.Tracking.Stratum, s.Tracking.Leap, s.Synchronised())
	}
}

func TestNobodyListens(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := conn.LocalAddr().String()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, address); !errors.Is(err, chrony.ErrAbsent) {
		t.Errorf("got %v", err)
	}
}

// A deadline and a cancellation end the wait for one that listens and never answers.
func TestMutePort(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := chrony.Ask(ctx, conn.LocalAddr().String()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("with a deadline: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
	asked := make(chan error, 1)
	go func() {
		_, err := chrony.Ask(ctx, conn.LocalAddr().String())
		asked <- err
	}()
	buffer := make([]byte, 1024)
	for range 2 { // the question of the first Ask, and that of the second
		if _, _, err := conn.ReadFrom(buffer); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-asked; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := chrony.Ask(context.Background(), conn.LocalAddr().String()); err == nil {
		t.Error("without a deadline: no error")
	}
}

func TestBadAnswers(t *testing.T) {
	good := fakeChronyd{tracking: trackingBehind, sources: []string{selected}}
	change := func(f func(reply []byte) []byte) func(_, reply []byte) [][]byte {
		return func(_, reply []byte) [][]byte { return [][]byte{f(reply)} }
	}
	for name, tc := range map[string]struct {
		count  uint32
		answer func(request, reply []byte) [][]byte
		want   string
	}{
		"empty":              {0, change(func([]byte) []byte { return nil }), "no reply of chronyd"},
		"a cut header":       {0, change(func(r []byte) []byte { return r[:27] }), "no reply of chronyd"},
		"a cut body":         {0, change(func(r []byte) []byte { return r[:len(r)-1] }), "was cut at 103 bytes"},
		"a request":          {0, func(request, _ []byte) [][]byte { return [][]byte{request} }, "no reply of chronyd"},
		"another version":    {0, change(func(r []byte) []byte { r[0] = 7; return r }), "version 7 of the protocol"},
		"another reply":      {0, change(func(r []byte) []byte { r[7] = 9; return r }), "with reply 9, want 5"},
		"not allowed":        {0, change(func(r []byte) []byte { r[9] = 2; return r }), "cmdallow"},
		"another failure":    {0, change(func(r []byte) []byte { r[9] = 1; return r }), "status 1"},
		"a host of sources":  {1 << 31, nil, "not plausible"},
		"fewer than claimed": {9, nil, ""},
		"answers to others first": {0, func(_, reply []byte) [][]byte {
			other, late := append([]byte{}, reply...), append([]byte{}, reply...)
			other[5], late[19] = other[5]+1, late[19]+1
			return [][]byte{other, late, reply}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := good
			f.count, f.answer = tc.count, tc.answer
			s, err := ask(t, f.listen(t))
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				return
			}
			if err != nil || len(s.Sources) != 1 || !s.Synchronised() {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

// Over its socket, from one that is gone afterwards.
func TestSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chronyd.sock")
	if _, err := ask(t, path); !errors.Is(err, chrony.ErrAbsent) {
		t.Errorf("none there: %v", err)
	}
	fake := fakeChronyd{tracking: trackingBehind, sources: []string{selected}}
	conn, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	fake.serve(conn)
	s, err := ask(t, path)
	if err != nil || !s.Synchronised() || s.Tracking.Stratum != 9 {
		t.Errorf("%+v, %v", s, err)
	}
	conn.Close() // which leaves the file behind, as a kill does
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ask(t, path); !errors.Is(err, chrony.ErrAbsent) {
		t.Errorf("nobody behind it: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
