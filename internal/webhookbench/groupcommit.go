package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// ofRaw is how much of raw group commit the journal has to reach, in percent.
const ofRaw = 80

// journal runs the journal's own benchmark, which writes the same records raw and
// through the journal in turn, with 64 waiters on both sides, and takes the median
// of its rounds.
func (b *bench) journal(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "GroupCommit", "-benchtime", "1x", "./journal")
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "TMPDIR="+b.work) // on the disk that everything else is measured on
	out, err := cmd.CombinedOutput()
	figures := benchmarkFigures(string(out))
	share, ok := figures["%-of-raw"]
	if !ok {
		return fmt.Errorf("the benchmark printed no figures (%w): %s", cmpErr(err, errors.New("and passed")), out)
	}
	b.figure(figure{name: "raw group commit, 64 waiters", value: figures["raw-records/s"], unit: "records/s"})
	b.figure(figure{name: "the journal, 64 waiters", value: figures["journal-records/s"], unit: "records/s"})
	b.figure(figure{name: "the journal, of raw group commit", value: share, unit: "%", limit: &limit{ofRaw, atLeast}})
	return nil
}

// benchmarkFigures reads what `go test -bench` prints: each value by its unit.
func benchmarkFigures(out string) map[string]float64 {
	figures := map[string]float64{}
	for l := range strings.Lines(out) {
		if !strings.HasPrefix(l, "Benchmark") {
			continue
		}
		fields := strings.Fields(l)
		for i := 2; i+1 < len(fields); i += 2 { // behind the name and the count
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				figures[fields[i+1]] = v
			}
		}
	}
	return figures
}
