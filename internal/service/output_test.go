package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a failed command printed is there, whole lines of it.
func TestExecKeepsTheOutputOfAFailure(t *testing.T) {
	_, err := Exec(t.Context(), argv("fail"))
	var failed *FailedError
	if !errors.As(err, &failed) || string(failed.Output()) != "standard error:\nno such member\nsecond line\n" {
		t.Errorf("%v: %q", err, failed.Output())
	}
	_, err = Exec(t.Context(), argv("chatty"))
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	out := string(failed.Output())
	if !strings.HasPrefix(out, "standard error, cut off:\nline 00000\n") || !strings.HasSuffix(out, "\nstandard output:\nbegun\n") || len(out) > 2*OutputLimit {
		t.Errorf("%d bytes: %.80q … %.80q", len(out), out, out[len(out)-80:])
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "line ") && len(line) != len("line 00000\n") {
			t.Errorf("half a line: %q", line)
		}
	}
}

// What a killed command had printed is there as well.
func TestExecKeepsTheOutputOfAKilledCommand(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Exec(ctx, argv("slow", ready))
		done <- err
	}()
	await(t, "the command's word", func() bool { _, err := os.Stat(ready); return err == nil })
	cancel()
	err := <-done
	var failed *FailedError
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || string(failed.Output()) != "standard output:\nwaiting for the lock\n" {
		t.Errorf("%v: %q", err, failed.Output())
	}
}

// Secrets do not stand in errors, in full or in part.
func TestCommandsRedact(t *testing.T) {
	secret := "s3cret-" + strings.Repeat("x", 80) // longer than what an error quotes
	redact := func(s string) string { return strings.ReplaceAll(s, secret, "[redacted]") }
	for _, tc := range []struct{ name, prints, want string }{
		{"state", `{"state":"` + secret + `"}`, `state "[redacted]" is none of`},
		{"identity", `{"state":"running","identity":"a b ` + secret + `"}`, `identity "a b [redacted]"`},
		{"no JSON", secret, `want one JSON object`},
	} {
		c := NewCommands(CommandsOptions{Redact: redact, Run: func(context.Context, []string) ([]byte, error) { return []byte(tc.prints), nil }})
		_, err := c.Status(t.Context(), declared([]string{"status"}, nil, nil))
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	failing := func(context.Context, []string) ([]byte, error) {
		return nil, &FailedError{Err: errors.New("exit status 1"), Says: strings.Repeat("y", 195) + secret, output: []byte(secret)}
	}
	c := NewCommands(CommandsOptions{Redact: redact, Run: failing})
	err := c.Start(t.Context(), declared(nil, []string{"start"}, nil))
	var kept interface{ Output() []byte }
	if err == nil || strings.Contains(err.Error(), "s3cret") || !errors.As(err, &kept) || string(kept.Output()) != secret {
		t.Errorf("%v", err)
	}
	c = NewCommands(CommandsOptions{ActTimeout: time.Millisecond, Run: func(ctx context.Context, _ []string) ([]byte, error) {
		<-ctx.Done()
		return nil, &FailedError{Err: ctx.Err(), output: []byte("so far")}
	}})
	err = c.Start(t.Context(), declared(nil, []string{"start"}, nil))
	if err == nil || !strings.HasSuffix(err.Error(), "the start command (start) did not end within 1ms and was killed") || !errors.As(err, &kept) || string(kept.Output()) != "so far" {
		t.Errorf("%v", err)
	}
}
