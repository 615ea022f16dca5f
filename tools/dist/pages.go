package main

import (
	"context"
)

// commandPages are the man pages and the shells' completions.
func (r release) commandPages(context.Context, string) ([]file, error) {
	return nil, nil
}
