// Command deed is a command that takes its time: `deed DIR` adds its pid to DIR/begun,
// waits until DIR/go is there, and writes DIR/done.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "begun"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for range time.Tick(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "go")); err == nil {
			break
		}
	}
	return os.WriteFile(filepath.Join(dir, "done"), nil, 0o600)
}
