package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// ClockPath is where an exporter says what its clock says.
const ClockPath = "/-/clock"

// clockExchanges is how often a clock is asked for in one comparison, over one
// connection: the first one pays for connecting, and the others meet where all agree.
const clockExchanges = 8

// errStepped tells of readings that no single offset explains.
var errStepped = errors.New("one of the clocks was set in between")

// Clock answers with two moments of the clock in nanoseconds since 1970: when the
// question was there, and just before the answer leaves.
func Clock(now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received := now()
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", "GET")
			http.Error(w, "This endpoint requires a GET request.", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		text := strconv.AppendInt(nil, received.UnixNano(), 10)
		text = append(text, ' ')
		text = strconv.AppendInt(text, now().UnixNano(), 10)
		_, _ = w.Write(append(text, '\n')) // who asks has gone
	})
}

// interval is where an offset lies, whatever the way there and the way back took.
type interval struct{ least, most time.Duration }

func (i interval) half() time.Duration   { return (i.most - i.least) / 2 }
func (i interval) middle() time.Duration { return i.least + i.half() }

// exchange is one question and its answer: sent and came by this machine's clock,
// received and replied by the other's, in nanoseconds since 1970.
type exchange struct{ sent, received, replied, came int64 }

// apart is how far the other clock is ahead. The question cannot have come before it was
// sent, nor the answer before it left: that is all that is used, so that it holds for
// a way there that is slower than the way back.
func (e exchange) apart() interval {
	return interval{least: time.Duration(e.replied - e.came), most: time.Duration(e.received - e.sent)}
}

// agreed is what all exchanges allow.
func agreed(all []exchange) (interval, error) {
	var in interval
	for i, e := range all {
		a := e.apart()
		if i == 0 {
			in = a
		}
		in = interval{max(in.least, a.least), min(in.most, a.most)}
	}
	if len(all) == 0 || in.most < in.least {
		return interval{}, errStepped
	}
	return in, nil
}

// compareClocks asks for the other clock some times over and says how far it is ahead.
func compareClocks(ctx context.Context, peer *line.HTTP, now func() time.Time) (interval, error) {
	var all []exchange
	begin := now()
	// Of this clock only the beginning is read: what follows is counted by the one that
	// nobody sets, so that it cannot step in between.
	monotonic := time.Now()
	at := func() int64 { return begin.UnixNano() + time.Since(monotonic).Nanoseconds() }
	for range clockExchanges {
		e := exchange{sent: at()}
		body, err := peer.Get(ctx, ClockPath)
		e.came = at()
		if err != nil {
			return interval{}, err
		}
		if e.received, e.replied, err = moments(body); err != nil {
			return interval{}, line.Because(cluster.BadProtocol, err)
		}
		all = append(all, e)
	}
	in, err := agreed(all)
	if err != nil {
		return interval{}, line.Because(cluster.Timeout, err) // it passes by itself
	}
	return in, nil
}

// moments reads the two moments of an answer.
func moments(body []byte) (received, replied int64, err error) {
	first, second, ok := bytes.Cut(bytes.TrimSuffix(body, []byte("\n")), []byte(" "))
	received, err = strconv.ParseInt(string(first), 10, 64)
	replied, err2 := strconv.ParseInt(string(second), 10, 64)
	if !ok || err != nil || err2 != nil || received <= 0 {
		return 0, 0, fmt.Errorf("want two moments, got %q", body[:min(len(body), 64)])
	}
	return received, replied, nil
}
