package etcd

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Front is what a member's client port shows to whoever connects.
type Front struct {
	// Date is the member's clock, to the second; zero: not told.
	Date time.Time
	// Asked is our clock when that was asked for, and Took how long the answer took.
	Asked time.Time
	Took  time.Duration
	// CertificateEnd is when the first certificate of its chain ends; zero: no TLS.
	CertificateEnd time.Time
}

// Front asks the member's client port for its version page, for what is around it.
func (d *Driver) Front(ctx context.Context, member string) (Front, error) {
	m, ok := d.member(member)
	if !ok {
		return Front{}, d.unknown(member)
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	f := Front{Asked: time.Now()}
	resp, err := d.get(ctx, m.Endpoint+"/version")
	if err != nil {
		return Front{}, fmt.Errorf("cluster %q, member %q: %w", d.cluster.Name, m.Name, err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	f.Took = time.Since(f.Asked)
	f.Date, _ = http.ParseTime(resp.Header.Get("Date")) //nolint:errcheck // not told
	if resp.TLS != nil {
		for _, c := range resp.TLS.PeerCertificates {
			if f.CertificateEnd.IsZero() || c.NotAfter.Before(f.CertificateEnd) {
				f.CertificateEnd = c.NotAfter
			}
		}
	}
	return f, nil
}
