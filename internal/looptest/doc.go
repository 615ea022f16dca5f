// Package looptest holds fettle to its promises on the real program: tests that
// start `fettle serve` over real etcd clusters, send it messages as Alertmanager
// does, break things, kill it, and read in its journal, its API and its command
// line what came of it.
//
// It has tests only. A ward is one cluster under a supervisor that counts every
// start (supervisor_test.go), and one fettle (serve_test.go) whose journal tells
// the story that a test waits for (story_test.go).
package looptest
