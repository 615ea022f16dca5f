package journal

import (
	"context"
	"fmt"
)

// Scrub reads again what Open does not: all segments before the newest one that
// opens, line by line, and the leaf hashes that were kept of archived ones. It
// holds them against the roots with which the segments behind them open, and
// these down to the newest, which Open holds against the signed checkpoint. It
// reads at most so many bytes a second (0: as fast as it can), takes no lock,
// and works beside a writer. Damage is a *DamageError; ctx ends it.
func Scrub(ctx context.Context, dir string, bytesPerSecond int64) error {
	return steady(func() error { return scrub(ctx, dir, bytesPerSecond) })
}

func scrub(ctx context.Context, dir string, bytesPerSecond int64) error {
	segments, err := segmentsIn(dir)
	if err != nil {
		return err
	}
	from, err := newestStart(segments)
	if err != nil {
		return err
	}
	c := checker{pace: pause(ctx, bytesPerSecond)}
	var tree frontier
	for i, seg := range segments[:from.index] {
		found, err := c.check(seg, segments[i+1].first)
		if err != nil {
			return fmt.Errorf("scrub: %w", err)
		}
		if err := found.grow(&tree, from.identity, ctx.Err); err != nil {
			return fmt.Errorf("scrub: %w", err)
		}
		if found.fault != nil {
			return fmt.Errorf("scrub: %w", found.fault.damage())
		}
	}
	if from.tree.size > 0 && tree.root() != from.tree.root() {
		first := segments[from.index]
		return fmt.Errorf("scrub: %w", &DamageError{File: segments[from.index-1].file(), Seq: segments[from.index-1].first, Reason: fmt.Sprintf("the lines up to seq %d do not have the root with which %s opens: one of them was changed", first.first-1, first.path)})
	}
	return nil
}
