package main

import (
	"fmt"
	"strconv"

	"github.com/fettle-io/fettle/rules"
)

// limits are the thresholds of the rules, by name, in their base units.
type limits map[string]float64

func readLimits() (limits, error) {
	all, err := rules.Thresholds()
	if err != nil {
		return nil, err
	}
	l := limits{}
	for _, t := range all {
		if l[t.Name], err = t.Seconds(); err != nil {
			return nil, fmt.Errorf("rules/thresholds.yml: %s: %w", t.Name, err)
		}
	}
	return l, nil
}

// number writes a value as generated.txt has it.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
