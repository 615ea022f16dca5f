package scorecard

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var fuzzLog = flag.String("fuzz-log", "", "what make fuzz printed: its figure is row 12's")

var (
	fuzzer  = regexp.MustCompile(`^== (Fuzz\w+)`)
	elapsed = regexp.MustCompile(`^fuzz: elapsed: (\w+), execs: (\d+) `)
)

// fuzzed tells what go test -fuzz printed of each fuzzer, in its order, and whether
// each went on to its end.
func fuzzed(log string) (figure string, err error) {
	var names []string
	took, execs := map[string]string{}, map[string]int{}
	for line := range strings.Lines(log) {
		if m := fuzzer.FindStringSubmatch(line); m != nil {
			names = append(names, m[1])
		} else if m := elapsed.FindStringSubmatch(line); m != nil && len(names) > 0 {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return "", err
			}
			name := names[len(names)-1]
			took[name], execs[name] = m[1], n
		} else if strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") {
			return "", fmt.Errorf("a fuzzer found something: %s", line)
		}
	}
	var all []string
	for _, name := range names {
		if took[name] == "" {
			return "", fmt.Errorf("%s printed nothing", name)
		}
		all = append(all, fmt.Sprintf("%s %d in %s", name, execs[name], took[name]))
	}
	if len(all) == 0 {
		return "", fmt.Errorf("no fuzzer in the log")
	}
	return fmt.Sprintf("0 crashes; executions: %s", strings.Join(all, ", ")), nil
}

func TestFuzzed(t *testing.T) {
	const log = "== FuzzLine in journal\nfuzz: elapsed: 0s, gathering baseline coverage: 0/9 completed\nfuzz: elapsed: 3s, execs: 90 (30/sec), new interesting: 0 (total: 9)\n" +
		"fuzz: elapsed: 10m0s, execs: 123456 (30/sec), new interesting: 1 (total: 9)\nPASS\nok  \tx\t3s\n== FuzzMessage in webhook\nfuzz: elapsed: 1m0s, execs: 7 (1/sec)\nPASS\n"
	got, err := fuzzed(log)
	if want := "0 crashes; executions: FuzzLine 123456 in 10m0s, FuzzMessage 7 in 1m0s"; got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, log := range []string{"", "== FuzzLine in journal\n", log + "--- FAIL: FuzzMessage (1s)\n"} {
		if got, err := fuzzed(log); err == nil {
			t.Errorf("%q: no error, and %q", log, got)
		}
	}
	if *fuzzLog == "" {
		return
	}
	b, err := os.ReadFile(*fuzzLog)
	if err != nil {
		t.Fatal(err)
	}
	figure, err := fuzzed(string(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(figure)
	Row(t, 12, figure)
}
