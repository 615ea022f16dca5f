package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirm asks on the terminal before something is done; yes stands for the answer.
// Without a terminal there is nobody to ask, and only yes lets it go on.
func confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usageError{errors.New("nobody can be asked here: say --yes")}
	}
	if _, err := fmt.Fprint(os.Stdout, question+" [y/N] "); err != nil {
		return err
	}
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a == "y" || a == "yes" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("nothing was done: no answer: %w", err)
	}
	return errors.New("nothing was done")
}
