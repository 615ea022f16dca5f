package main

import (
	"encoding/json"
	"fmt"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// counts is what a journal holds.
type counts struct {
	records int
	types   map[string]int
	// liveMost is how many runs were live at once, at most.
	liveMost int
}

// count reads a whole journal.
func count(dir string) (counts, error) {
	c := counts{types: map[string]int{}}
	live := 0
	err := journal.Read(dir, 0, func(r journal.Record) error {
		c.records++
		c.types[r.Type]++
		switch r.Type {
		case repair.TypePlanned:
			live++
			c.liveMost = max(c.liveMost, live)
		case repair.TypeFinished:
			live--
		}
		return nil
	})
	if err != nil {
		return counts{}, fmt.Errorf("count the records: %w", err)
	}
	return c, nil
}

// decode is a record's data.
func decode[T any](r journal.Record) (v T, err error) {
	if err = json.Unmarshal(r.Data, &v); err != nil {
		return v, fmt.Errorf("record %d: %w", r.Seq, err)
	}
	return v, nil
}
