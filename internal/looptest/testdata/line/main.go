// Command line keeps one line of text in a file: what a playbook's step overwrites in
// the tests. `get FILE` prints it, `is FILE TEXT` exits with 0 when it is that and with
// 1 when not, `put FILE TEXT` writes it.
package main

import (
	"fmt"
	"os"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) < 2 {
		return 2
	}
	have, err := os.ReadFile(args[1])
	switch {
	case args[0] == "put" && len(args) == 3:
		err = os.WriteFile(args[1], []byte(args[2]), 0o600)
	case err != nil:
	case args[0] == "get":
		_, err = os.Stdout.Write(append(have, '\n'))
	case args[0] == "is" && len(args) == 3:
		if string(have) != args[2] {
			return 1
		}
	default:
		return 2
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}
