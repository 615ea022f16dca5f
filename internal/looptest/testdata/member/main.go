// Command member is the declared command of the tests' members: it hands the
// supervisor one request and prints its answer. fettle starts it several times a
// second, so it is a program of its own, without the race detector.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 4 {
		fail("usage: member SOCKET VERB NAME [IDENTITY]")
	}
	conn, err := net.Dial("unix", os.Args[1])
	if err != nil {
		fail(err)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if err := json.NewEncoder(conn).Encode(os.Args[2:]); err != nil {
		fail(err)
	}
	said, err := io.ReadAll(conn)
	if err != nil {
		fail(err)
	}
	var answer struct {
		Status json.RawMessage `json:"status"`
		Error  string          `json:"error"`
	}
	if err := json.Unmarshal(said, &answer); err != nil {
		fail(err)
	}
	if answer.Error != "" {
		fail(answer.Error)
	}
	fmt.Println(string(answer.Status))
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
