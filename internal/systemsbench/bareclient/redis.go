//go:build bench

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/internal/systemsbench"
)

// exchangeOf is commands that are sent at once, and how many answers they have.
type exchangeOf struct {
	text    string
	answers int
}

func commands(lines ...string) exchangeOf {
	var text strings.Builder
	for _, l := range lines {
		words := strings.Fields(l)
		fmt.Fprintf(&text, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&text, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	return exchangeOf{text.String(), len(lines)}
}

func redisQuestions(ctx context.Context, plan systemsbench.Plan) ([]question, error) {
	var all []question
	add := func(addresses []string, exchanges ...exchangeOf) error {
		for _, address := range addresses {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err != nil {
				return err
			}
			in := bufio.NewReader(conn)
			all = append(all, func(ctx context.Context) error {
				until, _ := ctx.Deadline()
				if err := conn.SetDeadline(until); err != nil {
					return err
				}
				for _, e := range exchanges {
					if _, err := conn.Write([]byte(e.text)); err != nil {
						return err
					}
					for range e.answers {
						if err := skip(in); err != nil {
							return fmt.Errorf("%s: %w", address, err)
						}
					}
				}
				return nil
			})
		}
		return nil
	}
	if err := add(plan.Redis, commands(plan.Commands...)); err != nil {
		return nil, err
	}
	err := add(plan.Sentinels, commands("SENTINEL MASTER "+plan.Master, "SENTINEL REPLICAS "+plan.Master), commands("SENTINEL CKQUORUM "+plan.Master))
	return all, err
}

// skip reads one answer.
func skip(in *bufio.Reader) error {
	head, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(head) < 3 || head[0] == '-' {
		return fmt.Errorf("answer %q", head)
	}
	if head[0] == '+' || head[0] == ':' {
		return nil
	}
	n, err := strconv.Atoi(string(head[1 : len(head)-2]))
	if err != nil {
		return err
	}
	if head[0] == '$' && n >= 0 {
		_, err := in.Discard(n + 2)
		return err
	}
	for range n {
		if err := skip(in); err != nil {
			return err
		}
	}
	return nil
}
