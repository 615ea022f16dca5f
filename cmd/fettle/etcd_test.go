package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
)

// realEtcds are the clusters of the running scripts.
var realEtcds sync.Map // from a script's directory to *etcdproc.Cluster

// realEtcd starts a real etcd of the members named: etcd NAME... It sets ETCD and
// ETCD_PEER to the first one's URLs.
func realEtcd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: etcd NAME...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // it may have to be built
	defer cancel()
	program, err := programs.Find(ctx, "etcd", programs.Options{})
	check(ts, err)
	dir, err := filepath.EvalSymlinks(ts.Getenv("WORK"))
	check(ts, err)
	c, err := etcdproc.Start(ctx, program.Path, filepath.Join(dir, "etcd"), args, etcdproc.Options{})
	check(ts, err)
	ts.Defer(func() { _ = c.Stop() })
	check(ts, c.WaitHealthy(ctx, args...))
	realEtcds.Store(ts.Getenv("WORK"), c)
	first, _ := c.Spec(args[0])
	ts.Setenv("ETCD", first.Client)
	ts.Setenv("ETCD_PEER", first.Peer)
}

var (
	memberIDs = regexp.MustCompile(`\b[0-9a-f]{14,16}\b`)
	versions  = regexp.MustCompile(`\b3\.[0-9]+\.[0-9]+\b`)
	noUnits   = regexp.MustCompile(`\((systemd does not tell: is this host run by it\?|it is no unit's main process)\)`)
	dates     = regexp.MustCompile(`\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b`)
)

// generic replaces what differs from run to run in a file: generic FILE.
func generic(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 1, "generic FILE")
	text := ts.ReadFile(args[0])
	if c, ok := realEtcds.Load(ts.Getenv("WORK")); ok {
		for _, s := range c.(*etcdproc.Cluster).Specs() {
			text = strings.ReplaceAll(text, s.Client, "http://"+s.Name+":2379")
			text = strings.ReplaceAll(text, s.Peer, "http://"+s.Name+":2380")
		}
	}
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "/folder")
	if dir, err := filepath.EvalSymlinks(ts.Getenv("WORK")); err == nil {
		text = strings.ReplaceAll(text, dir, "/folder")
	}
	text = memberIDs.ReplaceAllString(text, "ID")
	text = noUnits.ReplaceAllString(text, "(WHY)")
	text = versions.ReplaceAllString(text, "VERSION")
	text = dates.ReplaceAllString(text, "DATE")
	check(ts, os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
