//go:build !linux

package service

func lockKey(string) (string, bool) { return "", false }
