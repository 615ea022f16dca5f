// Command play is a command that a playbook declares in the tests: `put FILE TEXT`
// writes, `is FILE TEXT` exits with 0 when the file is that and with 1 when not, `get
// FILE` prints it, `exit STATUS` fails, `wait` does not end.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() { os.Exit(play(os.Args[1], os.Args[2:])) }

func play(what string, args []string) int {
	switch what {
	case "put":
		if os.WriteFile(args[0]+".new", []byte(args[1]), 0o600) != nil || os.Rename(args[0]+".new", args[0]) != nil {
			return 3
		}
	case "is":
		b, err := os.ReadFile(args[0])
		if err != nil {
			return 2
		}
		if string(b) != args[1] {
			return 1
		}
	case "get":
		b, err := os.ReadFile(args[0])
		if err != nil {
			return 1
		}
		if _, err := os.Stdout.Write(append(b, '\n')); err != nil {
			return 3
		}
	case "exit":
		fmt.Fprintln(os.Stderr, "token=hunter2 cannot")
		status, err := strconv.Atoi(args[0])
		if err != nil {
			return 3
		}
		return status
	case "wait":
		<-time.After(time.Minute)
	}
	return 0
}
