package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// record makes a journal, or goes on with one: record DIR KEYFILE FILE. FILE has
// one record a line: seconds, type, subject and data. Each line is a group, and
// the last checkpoint covers them all unless a line says "checkpoint". A line
// "segment" begins a new segment.
func record(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 3, "record DIR KEYFILE FILE")
	dir, key := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	first := time.Date(2026, 11, 21, 2, 34, 0, 0, time.UTC)
	at := func(s float64) journal.Reading {
		since := time.Duration(s * float64(time.Second)).Round(time.Millisecond)
		return journal.Reading{Wall: first.Add(since), Boot: "b1", Since: since}
	}
	ids := 0
	newID := func() string { ids++; return fmt.Sprintf("0199a000-0000-7000-8000-%012d", ids) }
	if _, err := os.Stat(key); os.IsNotExist(err) {
		_, err := journal.Init(dir, key, journal.InitOptions{Host: "h", Now: at(0), NewID: newID, Rand: rand.Reader})
		check(ts, err)
	}
	j, err := journal.Open(dir, key, journal.Options{Now: func() journal.Reading { return at(0) }, NewID: newID, KnownTypes: repair.KnownType})
	check(ts, err)
	last := 0.0
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		if strings.TrimSpace(line) == "checkpoint" {
			check(ts, j.Checkpoint())
			continue
		}
		if strings.TrimSpace(line) == "segment" {
			state, err := repair.Replay(j.Replay)
			check(ts, err)
			carried, err := state.Carry(at(last), newID)
			check(ts, err)
			_, err = j.Rotate(carried)
			check(ts, err)
			continue
		}
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		seconds, err := strconv.ParseFloat(f[0], 64)
		if err != nil || len(f) != 4 {
			ts.Fatalf("%q is no record", line)
		}
		last = seconds
		_, err = j.Append([]journal.Draft{{Type: f[1], Subject: f[2], At: at(seconds), Data: []byte(f[3])}})
		check(ts, err)
	}
	check(ts, j.Close())
}

// flip turns one bit of the first TEXT in a file: flip FILE TEXT.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2, "flip FILE TEXT")
	b := []byte(ts.ReadFile(args[0]))
	at := strings.Index(string(b), args[1])
	if at < 0 {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	b[at] ^= 1
	check(ts, os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// appendBytes appends TEXT to a file: append FILE TEXT.
func appendBytes(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2, "append FILE TEXT")
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	check(ts, err)
	_, err = f.WriteString(args[1])
	check(ts, err)
	check(ts, f.Close())
}

// plain wants what was printed last to be what a terminal shows as it is.
func plain(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 0, "plain")
	for _, stream := range []string{"stdout", "stderr"} {
		for _, r := range ts.ReadFile(stream) {
			if r != '\n' && !unicode.IsPrint(r) {
				ts.Fatalf("%U is in %s", r, stream)
			}
		}
	}
}

func replace(ts *testscript.TestScript, text, this, with string) string {
	if !strings.Contains(text, this) {
		ts.Fatalf("no %q to replace", this)
	}
	return strings.ReplaceAll(text, this, with)
}

func listenUnix(path string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
