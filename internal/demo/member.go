package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// memberUsage is the form of the declared commands in the demo's fettle.yml.
const memberUsage = "usage: fettle demo member --socket S status|start|stop|restart NAME, or kill NAME IDENTITY"

// Hidden runs the commands that the demo starts itself, `demo member …` and
// `demo supervisor FILE`, and tells whether args (without the program's name) were
// one. fettle starts the first several times a second, so main asks this before it
// parses anything.
func Hidden(args []string, stdout, stderr io.Writer) (code int, was bool) {
	if len(args) < 2 || args[0] != "demo" {
		return 0, false
	}
	var err error
	switch args[1] {
	case "member":
		err = member(args[2:], stdout)
	case "supervisor":
		if len(args) != 3 {
			err = errors.New("usage: fettle demo supervisor FILE")
			break
		}
		err = supervise(args[2])
	default:
		return 0, false
	}
	if err != nil {
		fmt.Fprintf(stderr, "fettle demo %s: %v\n", args[1], err)
		return 1, true
	}
	return 0, true
}

func member(args []string, stdout io.Writer) error {
	if len(args) < 4 || args[0] != "--socket" {
		return errors.New(memberUsage)
	}
	q := request{Verb: args[2], Member: args[3]}
	switch {
	case q.Verb == "kill" && len(args) == 5:
		q.Identity = args[4]
	case q.Verb == "kill" || len(args) != 4:
		return errors.New(memberUsage)
	}
	status, err := ask(context.Background(), args[1], q)
	if err != nil || status == nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(status)
}

// ask sends the supervisor one request.
func ask(ctx context.Context, socket string, q request) (*memberStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("the demo's supervisor does not answer: %w", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return nil, fmt.Errorf("ask the demo's supervisor: %w", err)
	}
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the demo's supervisor gave no answer: %w", err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return nil, fmt.Errorf("the demo's supervisor's answer: %w", err)
	}
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a.Status, nil
}
