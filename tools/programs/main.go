// Command programs prints the path of each program named, and builds the ones
// that are not installed. With no name it takes all of them. It is what the
// Makefile uses; FETTLE_PROGRAMS=pinned makes it pass over what is installed.
//
//	go run ./tools/programs etcd
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "programs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	if len(names) == 0 {
		names = programs.Names()
	}
	for _, name := range names {
		p, err := programs.Find(ctx, name, programs.Options{Progress: progress()})
		if err != nil {
			return err
		}
		fmt.Printf("%s %s (%s): %s\n", p.Name, p.Version, p.Origin, p.Path)
	}
	return nil
}

// progress returns a printer of one line in ten seconds, so that a log stays
// short.
func progress() func(string) {
	var last time.Time
	return func(line string) {
		if time.Since(last) < 10*time.Second {
			return
		}
		last = time.Now()
		fmt.Fprintln(os.Stderr, line)
	}
}
