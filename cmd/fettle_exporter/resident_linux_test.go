package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// rssFile is how much of files this process holds, in kB.
func rssFile(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^RssFile:\s+(\d+) kB$`).FindSubmatch(b)
	if found == nil {
		t.Fatalf("no RssFile in %s", b)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The pages of the program are given back, and come again as they are needed.
func TestGiveBack(t *testing.T) {
	if _, err := parse([]string{"--log.level=error"}); err != nil { // something that the program does
		t.Fatal(err)
	}
	before := rssFile(t)
	if err := giveBack(); err != nil {
		t.Fatal(err)
	}
	if after := rssFile(t); after >= before {
		t.Errorf("%d kB of files before, %d after", before, after)
	}
	if _, err := parse([]string{"--log.level=error"}); err != nil {
		t.Fatal(err)
	}
}
