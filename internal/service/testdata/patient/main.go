// Patient is a service for tests that behaves as its flags say.
package main

import (
	"flag"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	exit := flag.Int("exit", -1, "exit at once with this code")
	onTerm := flag.Int("on-term", 0, "exit with this code on SIGTERM; -1: ignore it")
	ready := flag.Bool("ready", false, "tell systemd that it is ready")
	flag.Parse()

	if *exit >= 0 {
		os.Exit(*exit)
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	if *ready {
		notify("READY=1")
	}
	for {
		select {
		case <-term:
			if *onTerm >= 0 {
				os.Exit(*onTerm)
			}
		case <-time.After(10 * time.Minute):
			return
		}
	}
}

func notify(text string) {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		os.Exit(9)
	}
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		os.Exit(9)
	}
}
