package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the expected output into the scripts")

// The scripts run the real binary, under the name fettle.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fettle": main})
}

func TestScripts(t *testing.T) { testscript.Run(t, scripts("testdata/script")) }

// scripts are the parameters of the scripts in a directory.
func scripts(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			// Nothing of this machine, and nothing of this user.
			env.Setenv("XDG_RUNTIME_DIR", "")
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			env.Setenv("HOME", env.WorkDir)
			// The race detector would keep each process for a second at its end.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"record":  record,
			"flip":    flip,
			"append":  appendBytes,
			"fake":    fake,
			"etcd":    realEtcd,
			"generic": generic,
			"told":    told,
			"plain":   plain,
			"subst":   subst,
			"unwatch": unwatch,
		},
	}
}

func check(ts *testscript.TestScript, err error) {
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

func wantArgs(ts *testscript.TestScript, neg bool, args []string, want int, text string) {
	if neg || len(args) != want {
		ts.Fatalf("usage: %s", text)
	}
}

// unwatch leaves a socket behind on which nobody listens: unwatch FILE.
func unwatch(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 1, "unwatch FILE")
	l, err := listenUnix(args[0])
	check(ts, err)
	l.SetUnlinkOnClose(false)
	check(ts, l.Close())
}

// subst replaces text in a file: subst FILE OLD NEW.
func subst(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 3, "subst FILE OLD NEW")
	path := ts.MkAbs(args[0])
	check(ts, os.WriteFile(path, []byte(replace(ts, ts.ReadFile(args[0]), args[1], args[2])), 0o600))
}
