package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// URL posts checkpoints, as they are, to a server. What it answers with 2xx it has
// taken.
type URL struct {
	URL string
	// Transport shows who fettle is; nil: http.DefaultTransport.
	Transport http.RoundTripper
}

// Kind implements Anchor.
func (u URL) Kind() string { return "url" }

// String implements Anchor.
func (u URL) String() string { return u.URL }

// client follows no redirect: who answers is who was configured, and a token goes
// nowhere else.
func (u URL) client() *http.Client {
	return &http.Client{Transport: u.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Send implements Anchor.
func (u URL) Send(ctx context.Context, note []byte) error {
	_, err := u.do(ctx, http.MethodPost, bytes.NewReader(note))
	return err
}

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 16 << 20

// Get asks for the checkpoints that are kept there, for Notes.
func (u URL) Get(ctx context.Context) ([]byte, error) { return u.do(ctx, http.MethodGet, nil) }

func (u URL) do(ctx context.Context, method string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.URL, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	resp, err := u.client().Do(req)
	if err != nil {
		var in *url.Error
		if errors.As(err, &in) { // which names the URL, as the caller does
			err = in.Err
		}
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode/100 == 3:
		return nil, fmt.Errorf("it redirects to %q, which is not followed", resp.Header.Get("Location"))
	case resp.StatusCode/100 != 2:
		return nil, fmt.Errorf("it answers %s", resp.Status)
	}
	return answer, err
}
