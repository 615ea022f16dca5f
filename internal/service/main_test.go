package service

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// command makes the test binary play a declared command: argv[1] after this mark
// says which.
const command = "play-command"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == command {
		play(os.Args[2], os.Args[3:])
		return
	}
	os.Exit(m.Run())
}

func play(what string, args []string) {
	switch what {
	case "print":
		fmt.Print(strings.Join(args, " "))
	case "env":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "stdin":
		n, err := os.Stdin.Read(make([]byte, 1))
		fmt.Print(n, " ", err)
	case "flood":
		n, _ := strconv.Atoi(args[0])
		fmt.Print(strings.Repeat("x", n))
	case "fail":
		fmt.Fprintln(os.Stderr, "no such member\nsecond line")
		os.Exit(3)
	case "chatty": // prints a lot, and fails
		fmt.Println("begun")
		for i := range 9000 {
			fmt.Fprintf(os.Stderr, "line %05d\n", i)
		}
		os.Exit(4)
	case "slow": // says something, and does not end
		fmt.Println("waiting for the lock")
		write(args[0], "")
		time.Sleep(time.Minute)
	case "ignore-and-wait": // writes its and a child's pid, ends only by SIGKILL
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		child := exec.Command(os.Args[0], command, "wait")
		check(child.Start())
		write(args[0], fmt.Sprint(os.Getpid(), " ", child.Process.Pid))
		time.Sleep(time.Minute)
	case "leave-child": // ends at once, leaves a child in its group
		child := exec.Command(os.Args[0], command, "wait")
		check(child.Start())
		write(args[0], fmt.Sprint(child.Process.Pid))
	case "hold-output": // ends at once; a child outside its group holds its output
		child := exec.Command(os.Args[0], command, "wait")
		child.Stdout = os.Stdout
		child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		check(child.Start())
		write(args[0], fmt.Sprint(child.Process.Pid))
		fmt.Print("started")
	case "wait":
		time.Sleep(time.Minute)
	case "powers": // says what it may do
		powers(args)
	case "orphan": // leaves a child in a session of its own; args: file, and how it goes on
		child := exec.Command(os.Args[0], command, "wait")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		check(child.Start())
		write(args[0], fmt.Sprint(os.Getpid(), " ", child.Process.Pid))
		if args[1] == "stay" {
			time.Sleep(time.Minute)
		}
	case "quote": // prints its arguments and one variable
		fmt.Printf("%q %q", args, os.Getenv("WHO"))
	case "exit": // prints, and exits with a status
		fmt.Print("out")
		fmt.Fprint(os.Stderr, "token=hunter2 err")
		status, _ := strconv.Atoi(args[0])
		os.Exit(status)
	case "run-powers": // runs "powers" as Exec does
		out, err := Exec(background, append([]string{os.Args[0], command, "powers"}, args...))
		check(err)
		fmt.Printf("%s", out)
	case "run-group": // runs "orphan" as Groups does, to be killed itself
		groups := NewGroups()
		check(groups.Start(background, Command{Name: args[0], Argv: []string{os.Args[0], command, "orphan", args[1], "stay"}, Timeout: time.Minute}))
		time.Sleep(time.Minute)
	case "run-one": // runs "ignore-and-wait" as Exec does, to be killed itself
		_, _ = Exec(background, []string{os.Args[0], command, "ignore-and-wait", args[0]})
	}
}

// powers prints one line for each thing that a command could want to do: files to
// read and to write, and addresses to connect to.
func powers(files []string) {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	for line := range strings.Lines(string(status)) {
		if name, value, _ := strings.Cut(line, ":"); name == "CapEff" || name == "CapBnd" || name == "NoNewPrivs" || name == "Uid" || name == "Seccomp" {
			fmt.Println(name, strings.Fields(value)[0])
		}
	}
	told := func(what string, err error) {
		answer := "yes"
		if err != nil {
			answer = "no"
		}
		fmt.Println(what, answer)
	}
	for _, f := range files {
		_, err := os.ReadFile(f)
		told("read "+f, err)
		told("write "+f, os.WriteFile(f, []byte("x"), 0o600))
		told("create "+f, os.WriteFile(f+".new", []byte("x"), 0o600))
	}
	for _, address := range []string{"127.0.0.1:22", "[::1]:22"} {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			check(conn.Close())
		}
		if errors.Is(err, syscall.ECONNREFUSED) { // it got that far
			err = nil
		}
		told("connect "+address, err)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func write(name, text string) {
	check(os.WriteFile(name+".new", []byte(text), 0o600))
	check(os.Rename(name+".new", name))
}

// pids waits for a file of process numbers that a played command writes.
func pids(t *testing.T, name string) []int {
	t.Helper()
	var text []byte
	await(t, filepath.Base(name), func() bool {
		var err error
		text, err = os.ReadFile(name)
		return err == nil
	})
	var list []int
	for _, f := range strings.Fields(string(text)) {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

// ended tells whether a process is gone; one that only waits to be reaped is.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s in vain: %s", what)
		}
	}
}
