package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// Options say what an Exporter serves.
type Options struct {
	Collectors  map[string]bool // by name, whether it is enabled; absent: its default
	Sources     []Source        // the clusters that raft and sync tell of
	Host        Host            // the machine that the others tell of
	MaxRequests int             // scrapes at a time; 0: no limit
	Self        *Self           // the process' own metrics, served beside; nil: none
	Log         *slog.Logger    // nil: nothing is logged
}

// keptPages are enough for a pair of Prometheus servers; a scrape beside them makes
// a page of its own.
const keptPages = 2

// Exporter serves the metrics of its collectors over HTTP. Nothing that it serves
// was read before the scrape: it has no cache.
type Exporter struct {
	collectors []*running
	clusters   []*watched
	targets    map[string]*Exporter // of single clusters, by name; see ServeTarget
	own        own
	self       *Self         // nil: none
	pages      chan *page    // of earlier scrapes, to be filled again
	slots      chan struct{} // nil: no limit
	log        *slog.Logger
	handler    http.Handler
}

// New makes an Exporter. An unknown name in o.Collectors is an error.
func New(o Options) (*Exporter, error) { return newExporter(o, Collectors()) }

func newExporter(o Options, table []Entry) (*Exporter, error) {
	e, err := assembled(o, table)
	if err != nil {
		return nil, err
	}
	e.targets, err = targeted(o, table, e.clusters, e.Enabled())
	return e, err
}

// assembled is an Exporter without those of its single clusters.
func assembled(o Options, table []Entry) (*Exporter, error) {
	e := &Exporter{own: newOwn(), log: o.Log, pages: make(chan *page, keptPages)}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	o.Host.Log = e.log
	var names []string
	for _, entry := range table {
		names = append(names, entry.Name)
		enabled, told := o.Collectors[entry.Name]
		if enabled || !told && entry.Default {
			e.collectors = append(e.collectors, &running{Entry: entry, collector: entry.New(o.Host), label: []string{entry.Name}})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Collectors)) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("unknown collector %q: the collectors are %s", name, strings.Join(names, ", "))
		}
	}
	for _, s := range o.Sources {
		e.clusters = append(e.clusters, &watched{Source: s})
	}
	if o.MaxRequests > 0 {
		e.slots = make(chan struct{}, o.MaxRequests)
	}
	e.handler = http.HandlerFunc(e.serve)
	if o.Self != nil {
		e.self = o.Self
		if o.Self.runtime {
			e.handler = promhttp.InstrumentMetricHandler(o.Self.registry, e.handler)
		}
	}
	return e, nil
}

// Enabled are the names of the enabled collectors, in the table's order.
func (e *Exporter) Enabled() []string {
	names := make([]string, len(e.collectors))
	for i, c := range e.collectors {
		names[i] = c.Name
	}
	return names
}

// settleTime is how long Close waits for what goes on though nobody waits for it.
const settleTime = 5 * time.Second

// settle waits for what a scrape began whose client went away: it uses what is about to
// be closed. Only what is stuck, as in the kernel, takes longer.
func (e *Exporter) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	for _, c := range e.collectors {
		c.flight.settle(ctx)
	}
	for _, c := range e.clusters {
		c.flight.settle(ctx)
	}
}

// Close closes what collectors keep open between scrapes. No scrape may be under way,
// and none can follow. The drivers of its clusters are to be closed after it.
func (e *Exporter) Close() error {
	e.settle()
	errs := []error{e.closeTargets()}
	for _, c := range e.collectors {
		if open, ok := c.collector.(io.Closer); ok {
			errs = append(errs, open.Close())
		}
	}
	return errors.Join(errs...)
}

// ServeHTTP answers one scrape. The parameters collect[] and exclude[] choose
// collectors, one of them at a time.
func (e *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.handler.ServeHTTP(w, r) }

func (e *Exporter) serve(w http.ResponseWriter, r *http.Request) {
	done, ok := e.admit(w)
	if !ok {
		return
	}
	defer done()
	e.answer(w, r, "")
}

// admit takes a slot for a scrape, or answers that there is none left.
func (e *Exporter) admit(w http.ResponseWriter) (done func(), ok bool) {
	if e.slots == nil {
		return func() {}, true
	}
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, true
	default:
		http.Error(w, fmt.Sprintf("Limit of concurrent requests reached (%d), try again later.", cap(e.slots)), http.StatusServiceUnavailable)
		return nil, false
	}
}

// answer reads everything and sends it; of one member, if it is named, what is said of
// that.
func (e *Exporter) answer(w http.ResponseWriter, r *http.Request, member string) {
	query := r.URL.Query()
	chosen, err := e.choose(query["collect[]"], query["exclude[]"])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	limit, err := deadline(r.Header)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	p := e.page()
	defer e.keep(p)
	// One bad series must not cost the others.
	if err := e.gather(ctx, chosen, p); err != nil {
		e.log.Error("Some metrics could not be gathered", "err", err)
	}
	if member != "" {
		p.only(member)
	}
	if err := p.encode(w.Header(), r); err != nil {
		e.log.Error("Some metrics could not be encoded", "err", err)
	}
	if err := p.send(w, r); err != nil {
		e.log.Debug("A scrape did not take its answer", "err", err)
	}
}

// page is one that no other scrape has.
func (e *Exporter) page() *page {
	select {
	case p := <-e.pages:
		return p
	default:
		return newPage(e.collectors)
	}
}

// keep keeps a page for a later scrape.
func (e *Exporter) keep(p *page) {
	select {
	case e.pages <- p:
	default:
	}
}

// gather reads everything onto the page. What could be read is there also if it fails.
func (e *Exporter) gather(ctx context.Context, chosen []*running, p *page) error {
	e.scrape(ctx, chosen, p)
	var self []*dto.MetricFamily
	var err error
	if e.self != nil {
		self, err = e.self.registry.Gather()
	}
	p.arrange(chosen, self)
	return err
}

// choose picks the collectors of one scrape.
func (e *Exporter) choose(collect, exclude []string) ([]*running, error) {
	if len(collect) > 0 && len(exclude) > 0 {
		return nil, errors.New("collect[] and exclude[] cannot be combined")
	}
	if len(collect) == 0 && len(exclude) == 0 {
		return e.collectors, nil
	}
	enabled := e.Enabled()
	for _, name := range slices.Concat(collect, exclude) {
		if !slices.Contains(enabled, name) {
			return nil, fmt.Errorf("no collector %q is enabled: the enabled ones are %s", name, strings.Join(enabled, ", "))
		}
	}
	var chosen []*running
	for _, c := range e.collectors {
		if len(collect) > 0 && !slices.Contains(collect, c.Name) || slices.Contains(exclude, c.Name) {
			continue
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}
