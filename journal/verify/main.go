// Command verify checks a journal of fettle with its files and its public key
// alone. It imports nothing of fettle: it is there to be read by whoever has to
// trust a journal (main.go, then audit.go from the top, then lines.go), and to be
// run on a copy of one, anywhere.
//
//	go run ./journal/verify DIR PUBLICKEY [--anchor FILE] [--archive DIR] [--output json]
//
// # What a journal is
//
// DIR has segments, NNNNNNNNNNNN.jsonl, each named by the number of its first
// record. A record is one line of JSON, a CloudEvents event. An empty line stands
// before every group of records that was written to the disk at once.
//
// The lines, without their line breaks, are the leaves of a Merkle tree as in RFC
// 6962: a leaf's hash is SHA-256(0x00 || line), a node's SHA-256(0x01 || left ||
// right). A checkpoint says "N records, this root", signed with Ed25519 (C2SP
// tlog-checkpoint, in a signed-note). If one bit of these N lines were another
// one, if a line were missing, added or elsewhere, the root would be another one.
//
// Lines that went to an archive leave their hashes behind, NNNNNNNNNNNN.leaves, 32
// bytes a record: the root can still be told, and with --archive the lines
// themselves are held against it.
//
// # What a pass proves, and what not
//
// The records up to the newest checkpoint or anchor are those that were signed
// with the given key, or with one that it handed over to. It does not prove that
// what they say is true, and of records behind the newest checkpoint only that
// they are whole. Whoever has the private key, or an old copy of the whole
// directory, can put another history in its place, which passes as well. Only an
// anchor tells: a checkpoint that was kept elsewhere. FILE is one, or has many, a
// JSON object a line (what fettle appends to a file), or is a log of syslog.
//
// Exit code 0: it passes; 1: it does not; 2: wrong usage.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// report is what was found, as far as the auditor came.
type report struct {
	OK      bool   `json:"ok"`
	Journal string `json:"journal"` // HOST/fettle/ID
	// Records is how many there are; of the Archived only the hashes are here. The
	// first Proven ones are covered by a signed checkpoint, with Root over them.
	Records  uint64 `json:"records"`
	Archived uint64 `json:"archived"`
	Proven   uint64 `json:"proven"`
	Root     string `json:"root"`
	// Checkpoints and Anchors is how many agree with the lines; Unread, how many of
	// the earlier checkpoints are not this journal's: a crash may tear one.
	Checkpoints int    `json:"checkpoints"`
	Anchors     int    `json:"anchors"`
	Unread      int    `json:"unread"`
	Keys        int    `json:"keys"` // that have signed, one after the other
	Tail        string `json:"torn_tail,omitempty"`
	Wrong       string `json:"wrong,omitempty"`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	flags.SetOutput(errs)
	anchor := flags.String("anchor", "", "a file with checkpoints that were kept elsewhere")
	archive := flags.String("archive", "", "the directory that old segments went to")
	output := flags.String("output", "text", "text or json")
	var words []string
	for len(args) > 0 { // flags may stand anywhere
		if flags.Parse(args) != nil {
			return 2
		}
		if args = flags.Args(); len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	if len(words) != 2 || *output != "text" && *output != "json" {
		_, _ = fmt.Fprintln(errs, "usage: verify DIR PUBLICKEY [--anchor FILE] [--archive DIR] [--output text|json]")
		return 2
	}
	if b, err := os.ReadFile(words[1]); err == nil { // the key, or a file with it
		words[1] = string(b)
	}
	r, err := audit(words[0], strings.TrimSpace(words[1]), *archive, *anchor)
	if r.OK = err == nil; err != nil {
		r.Wrong = err.Error()
	}
	text := r.text()
	if *output == "json" {
		b, _ := json.MarshalIndent(r, "", "  ")
		text = string(b) + "\n"
	}
	if _, err := io.WriteString(out, text); err != nil || !r.OK {
		return 1
	}
	return 0
}

// text is for people. What came out of files is quoted: no terminal obeys it.
func (r report) text() string {
	text := fmt.Sprintf("PASS: the journal %q\n", r.Journal)
	if !r.OK {
		text = fmt.Sprintf("FAIL: %q\n", r.Wrong)
	}
	text += fmt.Sprintf("Proven: the first %d of %d records, by %d checkpoints and %d anchors; keys: %d; root: %s\n", r.Proven, r.Records, r.Checkpoints, r.Anchors, r.Keys, r.Root)
	if r.Archived > 0 {
		text += fmt.Sprintf("Not looked at: the lines of %d records, which went to an archive (--archive); their hashes were.\n", r.Archived)
	}
	if r.Tail != "" {
		text += fmt.Sprintf("An unfinished end, never acknowledged: %q\n", r.Tail)
	}
	if r.OK && r.Anchors == 0 {
		text += "Not proven: that there is no newer and no other history. Give a checkpoint that was kept elsewhere with --anchor.\n"
	}
	return text
}
