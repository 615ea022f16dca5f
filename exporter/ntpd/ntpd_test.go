package ntpd_test

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/exporter/ntpd"
)

func ask(t *testing.T, address string) (ntpd.Status, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return ntpd.Ask(ctx, address)
}

func TestAsk(t *testing.T) {
	for name, f := range map[string]fakeNTPD{
		"in one packet":        {},
		"in pieces":            {size: 40},
		"in pieces, backwards": {size: 40, backwards: true},
	} {
		t.Run(name, func(t *testing.T) {
			f.status, f.text, f.sources = 0x0014, follows, []uint16{17767, 0xb61a, 17768, 0x8011}
			s, err := ask(t, f.listen(t))
			if err != nil {
				t.Fatal(err)
			}
			if g := s.System; g.Stratum != 6 || g.Leap != ntpd.LeapNone || g.ReferenceID != "192.0.2.1" || math.Abs(g.Offset-0.025006585) > 1e-12 ||
				math.Abs(g.RootDelay-0.049967) > 1e-12 || math.Abs(g.RootDispersion-0.025138) > 1e-12 {
				t.Errorf("system %+v", g)
			}
			if want := time.Date(2026, 11, 21, 19, 11, 50, 521078309, time.UTC); s.System.ReferenceTime.Sub(want).Abs() > time.Microsecond {
				t.Errorf("set at %s, want %s", s.System.ReferenceTime.UTC(), want)
			}
			if len(s.Sources) != 2 || s.Reachable() != 1 || !s.Synchronised() {
				t.Errorf("%+v, synchronised %v", s.Sources, s.Synchronised())
			}
		})
	}
}

func TestSynchronised(t *testing.T) {
	const reached, selected, other = 0x1000, 0x0600, 0x0400
	for name, tc := range map[string]struct {
		system  ntpd.System
		sources []uint16
		want    bool
	}{
		"follows one":                      {ntpd.System{}, []uint16{reached | other, reached | selected}, true},
		"follows pulses":                   {ntpd.System{}, []uint16{reached | 0x0700}, true},
		"a leap second is announced":       {ntpd.System{Leap: ntpd.LeapInsert}, []uint16{reached | selected}, true},
		"it says that it is not":           {ntpd.System{Leap: ntpd.LeapUnknown}, []uint16{reached | selected}, false},
		"no source":                        {ntpd.System{}, nil, false},
		"none is selected":                 {ntpd.System{}, []uint16{reached | other}, false},
		"the selected one answers no more": {ntpd.System{}, []uint16{selected, reached | other}, false},
		"its own clock":                    {ntpd.System{ReferenceID: "127.127.1.0"}, []uint16{reached | selected}, false},
		"its own clock, by name":           {ntpd.System{ReferenceID: "LOCL"}, []uint16{reached | selected}, false},
		"a clock of its own that is good":  {ntpd.System{ReferenceID: "GPS"}, []uint16{reached | selected}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := ntpd.Status{System: tc.system}
			for _, status := range tc.sources {
				s.Sources = append(s.Sources, ntpd.Source{Status: status})
			}
			if got := s.Synchronised(); got != tc.want {
				t.Errorf("synchronised %v, want %v", got, tc.want)
			}
		})
	}
}

// What ntpd says before it has reached anybody.
func TestAskBeforeTheFirstAnswer(t *testing.T) {
	s, err := ask(t, fakeNTPD{status: 0xc016, text: "leap=3, stratum=16, rootdelay=0.000, rootdisp=0.060,\r\nrefid=INIT, reftime=0x00000000.00000000, offset=0.000000\r\n"}.listen(t))
	if err != nil || s.Synchronised() || s.System.Leap != ntpd.LeapUnknown || !s.System.ReferenceTime.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestClosedPort(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := conn.LocalAddr().String()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, address); !errors.Is(err, ntpd.ErrAbsent) {
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
	if _, err := ntpd.Ask(ctx, conn.LocalAddr().String()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("with a deadline: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
	cancel()
	if _, err := ntpd.Ask(ctx, conn.LocalAddr().String()); err == nil {
		t.Error("cancelled: no error")
	}
	if _, err := ntpd.Ask(context.Background(), conn.LocalAddr().String()); err == nil {
		t.Error("without a deadline: no error")
	}
}

func TestBadAnswers(t *testing.T) {
	change := func(f func(packet []byte) []byte) func(packets [][]byte) [][]byte {
		return func(packets [][]byte) [][]byte { return [][]byte{f(packets[0])} }
	}
	for name, tc := range map[string]struct {
		text    string
		sources []uint16
		answer  func(packets [][]byte) [][]byte
		want    string
	}{
		"empty":               {"", nil, change(func([]byte) []byte { return nil }), "no control message"},
		"a cut header":        {"", nil, change(func(p []byte) []byte { return p[:11] }), "no control message"},
		"another mode":        {"", nil, change(func(p []byte) []byte { p[0] = 0x24; return p }), "no control message"},
		"cut data":            {"", nil, change(func(p []byte) []byte { return p[:20] }), "was cut at 20 bytes"},
		"an error":            {"", nil, change(func(p []byte) []byte { p[1] |= 0x40; p[4] = 5; return p }), "error 5"},
		"a piece too far":     {"", nil, change(func(p []byte) []byte { p[1] |= 0x20; p[8] = 0xff; return p }), "not plausible"},
		"pieces that overlap": {"", nil, func(all [][]byte) [][]byte { all[0][1] |= 0x20; return [][]byte{all[0], all[0]} }, "overlap"},
		"a number of sources": {"", []uint16{1}, nil, "list of sources of 2 bytes"},
		"no offset":           {"stratum=1,rootdelay=0,rootdisp=0,reftime=0x1.1", nil, nil, "variable offset"},
		"no number":           {strings.Replace(follows, "offset=25", "offset=x", 1), nil, nil, "variable offset"},
		"not a number":        {strings.Replace(follows, "offset=25.006585", "offset=NaN", 1), nil, nil, "variable offset"},
		"an endless number":   {strings.Replace(follows, "rootdisp=25.138", "rootdisp=1e999", 1), nil, nil, "variable rootdisp"},
		"a wrong stratum":     {strings.Replace(follows, "stratum=6", "stratum=1e30", 1), nil, nil, "variable stratum"},
		"no timestamp":        {strings.Replace(follows, "0xeeac6b76.8565635c", "yesterday", 1), nil, nil, "variable reftime"},
		"others' answers first": {"", nil, func(all [][]byte) [][]byte {
			late, question := append([]byte{}, all[0]...), append([]byte{}, all[0]...)
			late[3]++
			question[1] &= 0x1f
			return append([][]byte{late, question}, all...)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := fakeNTPD{text: follows, sources: []uint16{1, 0x9600}, answer: tc.answer}
			if tc.text != "" {
				f.text = tc.text
			}
			if tc.sources != nil {
				f.sources = tc.sources
			}
			s, err := ask(t, f.listen(t))
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				return
			}
			if err != nil || !s.Synchronised() {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

// An answer of pieces without end ends.
func TestEndlessAnswer(t *testing.T) {
	f := fakeNTPD{text: follows, answer: func(all [][]byte) [][]byte {
		all[0][1] |= 0x20
		all[0][8], all[0][9] = 1, 0 // after a gap that nothing fills
		var many [][]byte
		for range 100 {
			many = append(many, all[0])
		}
		return many
	}}
	if _, err := ask(t, f.listen(t)); err == nil || !strings.Contains(err.Error(), "no whole answer") {
		t.Errorf("got %v", err)
	}
}
