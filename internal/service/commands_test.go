package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

func declared(status, start, kill []string) cluster.Target {
	m := cluster.Member{Name: "m1", Host: "h1", Commands: cluster.Commands{Status: status, Start: start, Kill: kill}}
	return cluster.Target{Cluster: cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{m}}, Member: m}
}

func TestParseStatus(t *testing.T) {
	yes := true
	for _, c := range []struct {
		in   string
		want cluster.Service
	}{
		{`{"state":"running","identity":"4711@99","member_id":"0x8E9E05C52164694D","data_dir_ok":true,"age_seconds":1.5}`,
			cluster.Service{State: cluster.ServiceRunning, Identity: "4711@99", Age: 1500 * time.Millisecond, MemberID: "8e9e05c52164694d", DataDirOK: &yes}},
		{` {"state":"running","identity":"1","starting":true} ` + "\n",
			cluster.Service{State: cluster.ServiceStarting, Identity: "1", Busy: true}},
		{`{"state":"dead","identity":"4711@99"}`, cluster.Service{State: cluster.ServiceDead}},
		{`{"state":"stopped_on_purpose"}`, cluster.Service{State: cluster.ServiceStopped, Purpose: "stopped"}},
		{`{"state":"unknown"}`, cluster.Service{State: cluster.ServiceUnknown, Error: "the status command says unknown"}},
	} {
		got, err := parseStatus([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if (got.DataDirOK == nil) != (c.want.DataDirOK == nil) {
			t.Errorf("%s: data_dir_ok %v", c.in, got.DataDirOK)
		}
		got.DataDirOK, c.want.DataDirOK = nil, nil
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.in, got, c.want)
		}
	}
	for _, in := range []string{
		``, `null x`, `[]`, `"running"`, `{}`, `{"state":""}`, `{"state":"up"}`, `{"State":"dead"}`,
		`{"state":"dead","stat":1}`, `{"state":"dead","state":"running"}`, `{"state":"dead"}{"state":"dead"}`,
		`{"state":"running"}`, `{"state":"running","identity":"-9"}`, `{"state":"running","identity":"1 2"}`,
		`{"state":"running","identity":"1","age_seconds":-1}`, `{"state":"running","identity":"1","age_seconds":1e300}`,
		`{"state":"running","identity":"1","member_id":"m1"}`, `{"state":"running","identity":4711}`,
	} {
		if s, err := parseStatus([]byte(in)); err == nil {
			t.Errorf("%s: want an error, got %+v", in, s)
		}
	}
}

func TestCommandsKill(t *testing.T) {
	target := declared([]string{"status"}, nil, []string{"kill", "--identity", "{identity}", "x{identity}"})
	var ran [][]string
	run := func(_ context.Context, argv []string) ([]byte, error) {
		ran = append(ran, argv)
		return []byte(`{"state":"running","identity":"4711@99"}`), nil
	}
	c := NewCommands(CommandsOptions{Run: run})
	if err := c.Kill(t.Context(), target, "4712@1"); !errors.Is(err, ErrIdentity) {
		t.Errorf("another identity: %v", err)
	}
	if err := c.Kill(t.Context(), target, ""); !errors.Is(err, ErrIdentity) {
		t.Errorf("no identity: %v", err)
	}
	if len(ran) != 2 {
		t.Fatalf("ran %q", ran)
	}
	if err := c.Kill(t.Context(), target, "4711@99"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"kill", "--identity", "4711@99", "x{identity}"}; !slices.Equal(ran[3], want) {
		t.Errorf("ran %q, want %q", ran[3], want)
	}
	if !slices.Contains(target.Member.Commands.Kill, "{identity}") {
		t.Error("the inventory's argv was changed")
	}
}

func TestCommandsBusyWhileOneRuns(t *testing.T) {
	started, end := make(chan bool), make(chan bool)
	run := func(_ context.Context, argv []string) ([]byte, error) {
		if argv[0] == "start" {
			started <- true
			<-end
		}
		return []byte(`{"state":"dead"}`), nil
	}
	target := declared([]string{"status"}, []string{"start"}, nil)
	c := NewCommands(CommandsOptions{Run: run})
	done := make(chan error, 1)
	go func() { done <- c.Start(t.Context(), target) }()
	<-started
	if s, err := c.Status(t.Context(), target); err != nil || !s.Busy {
		t.Errorf("while it runs: %+v, %v", s, err)
	}
	end <- true
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s, err := c.Status(t.Context(), target); err != nil || s.Busy {
		t.Errorf("after it: %+v, %v", s, err)
	}
}

// What a status command saw may be over when a restart ended while it ran.
func TestCommandsBusyWhenOneEndedMeanwhile(t *testing.T) {
	target := declared([]string{"status"}, []string{"start"}, nil)
	var c *Commands
	meanwhile := func() {
		if err := c.Start(t.Context(), target); err != nil {
			t.Error(err)
		}
	}
	c = NewCommands(CommandsOptions{Run: func(_ context.Context, argv []string) ([]byte, error) {
		if argv[0] == "status" {
			meanwhile()
		}
		return []byte(`{"state":"dead"}`), nil
	}})
	if s, err := c.Status(t.Context(), target); err != nil || !s.Busy {
		t.Errorf("%+v, %v: want busy", s, err)
	}
	meanwhile = func() {}
	if s, err := c.Status(t.Context(), target); err != nil || s.Busy {
		t.Errorf("%+v, %v: want idle", s, err)
	}
}

func TestCommandsNotDeclared(t *testing.T) {
	c := NewCommands(CommandsOptions{})
	err := c.Restart(t.Context(), declared([]string{"status"}, nil, nil))
	if !errors.Is(err, ErrNotDeclared) || err.Error() != "c/m1 has no `commands.restart` in fettle.yml: not declared" {
		t.Errorf("got %v", err)
	}
}

func TestRoute(t *testing.T) {
	commands, systemd := NewCommands(CommandsOptions{}), NewSystemd(SystemdOptions{})
	r := Route{Commands: commands, Systemd: systemd, Local: func(h string) bool { return h == "here" }}
	target := func(host string, status ...string) cluster.Target {
		return cluster.Target{Cluster: cluster.Cluster{Name: "c"}, Member: cluster.Member{Name: "m", Host: host, Commands: cluster.Commands{Status: status}}}
	}
	if m, err := r.For(target("here", "status")); m != commands || err != nil {
		t.Errorf("declared commands come first: %T, %v", m, err)
	}
	if m, err := r.For(target("there", "ssh")); m != commands || err != nil {
		t.Errorf("declared commands reach other hosts: %T, %v", m, err)
	}
	if m, err := r.For(target("here")); m != systemd || err != nil {
		t.Errorf("systemd for this host: %T, %v", m, err)
	}
	if _, err := r.For(target("there")); !errors.Is(err, ErrNoAgent) {
		t.Errorf("another host without commands: %v", err)
	}
}

func TestSystemdNotThere(t *testing.T) {
	s := NewSystemd(SystemdOptions{Address: "unix:path=" + t.TempDir() + "/none"})
	defer s.Close()
	target := cluster.Target{Cluster: cluster.Cluster{Name: "c"}, Member: cluster.Member{Name: "m", Unit: "etcd.service"}}
	if _, err := s.Status(t.Context(), target); err == nil || !strings.HasPrefix(err.Error(), "c/m: no connection to systemd over D-Bus (") {
		t.Errorf("no bus: %v", err)
	}
	target.Member.Unit = ""
	if _, err := s.Status(t.Context(), target); !errors.Is(err, ErrNotDeclared) {
		t.Errorf("no unit: %v", err)
	}
}
