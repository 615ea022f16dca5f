//go:build !linux

package main

import "time"

// waitUntil returns at t, as exactly as the runtime's timers are.
func waitUntil(t time.Time) { <-time.After(time.Until(t)) }
