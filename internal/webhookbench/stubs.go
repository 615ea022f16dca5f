package main

import "context"

func (b *bench) journal(ctx context.Context) error { return nil }
