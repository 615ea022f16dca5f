//go:build bench

// Command bareclient puts the questions that fettle_exporter puts to many systems, over
// kept connections and all at once, and does nothing with the answers: what a scrape
// costs beside it is the exporter's own. Its argument is a file with a
// systemsbench.Plan; each line of its input is a round, answered by a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fettle-io/fettle/internal/systemsbench"
)

// question is put to one server, once a round.
type question func(ctx context.Context) error

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "bareclient: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	runtime.GOMAXPROCS(1)  // as fettle_exporter has it
	debug.SetGCPercent(80) // the same
	if len(os.Args) != 2 {
		return errors.New("want the file of a plan")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var plan systemsbench.Plan
	if err := json.Unmarshal(text, &plan); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	questions, err := connect(ctx, plan)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := round(questions); err != nil {
			return err
		}
		fmt.Println("asked")
	}
	return nil
}

func connect(ctx context.Context, plan systemsbench.Plan) ([]question, error) {
	var all []question
	for _, c := range []func() ([]question, error){
		func() ([]question, error) { return etcdQuestions(plan.Etcd) },
		func() ([]question, error) { return mysqlQuestions(ctx, plan.MySQL) },
		func() ([]question, error) { return postgresQuestions(ctx, plan.Postgres) },
		func() ([]question, error) { return redisQuestions(ctx, plan) },
	} {
		questions, err := c()
		if err != nil {
			return nil, err
		}
		all = append(all, questions...)
	}
	return all, nil
}

func round(questions []question) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	errs := make([]error, len(questions))
	var all sync.WaitGroup
	for i, ask := range questions {
		all.Go(func() { errs[i] = ask(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}
