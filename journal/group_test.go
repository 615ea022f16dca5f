package journal

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// BenchmarkGroup makes the bytes of groups of 64 records of about 600 bytes.
func BenchmarkGroup(b *testing.B) {
	j := &Journal{options: Options{NewID: func() string { return "x" }}}
	var err error
	if j.lines, err = newLineMaker("//host1/fettle/0199a000-0000-7000-8000-000000000001"); err != nil {
		b.Fatal(err)
	}
	drafts := make([]Draft, 64)
	for i := range drafts {
		drafts[i] = Draft{
			Type: "received", Subject: fmt.Sprintf("alert/%d", i), ID: "0199a000-0000-7000-8000-000000000000", Encoded: true,
			At:   Reading{Wall: time.Unix(1e9, 5).UTC(), Boot: "6f2c8a9e-boot", Since: time.Hour},
			Data: []byte(`{"x":"` + strings.Repeat("a", 240) + `"}`),
		}
	}
	for b.Loop() {
		if _, err := j.group(drafts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(drafts)), "ns/record")
}
