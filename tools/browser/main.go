// Command browser looks at web pages with Chromium and says what it saw: it is the
// eyes of the console's tests. It reads a JSON array of visits and writes one of sights.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Visit is one page, and what is done there by keyboard.
type Visit struct {
	URL           string            `json:"url"`
	Width, Height int64             // of the window, in CSS pixels
	Dark          bool              `json:"dark"`
	NoScript      bool              `json:"no_script"`
	Headers       map[string]string `json:"headers"`
	Keys          []Key             `json:"keys"`
	// Shot is where a picture goes; Whole takes all of the page instead of the window.
	Shot  string `json:"shot"`
	Whole bool   `json:"whole"`
}

// Key is one thing that is done by keyboard: exactly one field is set.
type Key struct {
	// TabTo presses Tab until the focused element's text, name or link has it.
	TabTo string `json:"tab_to"`
	Type  string `json:"type"`
	Enter bool   `json:"enter"`
	// Walk presses Tab until the focus is where it began, at most that often, and notes
	// what is focused each time.
	Walk int `json:"walk"`
	// Wait waits until the page has loaded itself again.
	Wait bool `json:"wait"`
}

// Sight is what was seen, after the keys.
type Sight struct {
	URL, Title, Text       string
	Dialogs                []string // alert() and others: a page ran something
	Console                []string // errors, and what the policy forbade
	Hosts                  []string // that anything was asked from
	ScrollWidth, Width     int64
	Background, Foreground string
	Focus                  []Focus // of Walk
	Unlabelled, Handlers   int     // fields without a label; attributes that would run something
	Headings               []string
	// Faint are texts with less contrast than 4.5 to 1, and drawings with less than 3 to 1,
	// to what is behind them.
	Faint []string
	// Stops is how many elements the Tab key should come to; Unnamed are those that say
	// nothing to who cannot see them.
	Stops   int
	Unnamed []string
}

// Focus is one stop of the Tab key.
type Focus struct {
	Tag, Text, Href string
	Outline         string // its width and style
	InView          bool
	// Place is its number among the Stops, in the order of the document; -1: none of them.
	Place int
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

func run() error {
	var visits []Visit
	if err := json.NewDecoder(os.Stdin).Decode(&visits); err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true))
	if path := os.Getenv("FETTLE_CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	sights := make([]Sight, len(visits))
	for i, v := range visits {
		var err error
		if sights[i], err = look(ctx, v); err != nil {
			return fmt.Errorf("%s: %w", v.URL, err)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(sights)
}

func look(browser context.Context, v Visit) (s Sight, err error) {
	ctx, cancel := chromedp.NewContext(browser)
	defer cancel()
	var mu sync.Mutex
	hosts := map[string]bool{}
	dialogs := make(chan struct{}, 100)
	err = chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *page.EventJavascriptDialogOpening:
			s.Dialogs = append(s.Dialogs, e.Message)
			dialogs <- struct{}{}
		case *runtime.EventExceptionThrown:
			s.Console = append(s.Console, e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			s.Console = append(s.Console, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			_, rest, ok := strings.Cut(e.Request.URL, "://")
			if host, _, _ := strings.Cut(rest, "/"); ok && !hosts[host] {
				hosts[host] = true
				s.Hosts = append(s.Hosts, host)
			}
		}
	})
	if err != nil {
		return s, err
	}
	go func() {
		for {
			select {
			case <-dialogs:
				_ = chromedp.Do(ctx, call(page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}))
			case <-ctx.Done():
				return
			}
		}
	}()
	scheme := map[bool]string{true: "dark", false: "light"}[v.Dark]
	headers := network.Headers{}
	for name, value := range v.Headers {
		headers[name] = value
	}
	err = chromedp.Do(ctx,
		call(network.Enable, network.EnableParams{}), call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}),
		chromedp.EmulateViewport(v.Width, v.Height),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript}),
		chromedp.Navigate(v.URL),
	)
	if err != nil {
		return s, err
	}
	for _, k := range v.Keys {
		if err := press(ctx, k, &s); err != nil {
			return s, err
		}
	}
	last, err := chromedp.Run(ctx, chromedp.Evaluate[Sight](seen))
	if err != nil {
		return s, err
	}
	if v.Shot != "" {
		take := chromedp.CaptureScreenshot()
		if v.Whole {
			take = chromedp.FullScreenshot(100)
		}
		picture, err := chromedp.Run(ctx, take)
		if err != nil {
			return s, err
		}
		if err := os.WriteFile(v.Shot, picture, 0o644); err != nil { //nolint:gosec // a picture
			return s, err
		}
	}
	mu.Lock()
	defer mu.Unlock()
	last.Dialogs, last.Console, last.Hosts, last.Focus = s.Dialogs, s.Console, s.Hosts, s.Focus
	return last, nil
}

// call is a command of the browser's, without its answer.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// seen is evaluated by the debugger, which the page's policy does not hold.
const seen = `(() => {` + stops + contrast + `
  const of = getComputedStyle(document.body);
  const labelled = e => e.type === 'hidden' || e.labels && e.labels.length > 0 || e.getAttribute('aria-label');
  return {
    URL: location.href, Title: document.title, Text: document.body.innerText,
    ScrollWidth: document.documentElement.scrollWidth, Width: document.documentElement.clientWidth,
    Background: of.backgroundColor, Foreground: of.color,
    Unlabelled: [...document.querySelectorAll('input, select, textarea')].filter(e => !labelled(e)).length,
    Handlers: [...document.querySelectorAll('*')].filter(e => e.tagName === 'SCRIPT' || [...e.attributes].some(a => a.name.startsWith('on'))).length,
    Headings: [...document.querySelectorAll('h1, h2, h3')].map(e => e.tagName),
    Faint: faint(), Stops: stops().length, Unnamed: stops().filter(e => !nameOf(e)).map(e => e.outerHTML.slice(0, 200)),
  };
})()`

const focused = `(() => {` + stops + `
  const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
  return {
    Tag: e.tagName, Text: (e.innerText || e.getAttribute('aria-label') || e.name || '').trim().slice(0, 100), Href: e.getAttribute('href') || '',
    Outline: s.outlineWidth + ' ' + s.outlineStyle,
    Place: stops().indexOf(e),
    InView: r.width > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0,
  };
})()`

func press(ctx context.Context, k Key, s *Sight) error {
	tab := func() (f Focus, err error) {
		if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)); err != nil {
			return f, err
		}
		return chromedp.Run(ctx, chromedp.Evaluate[Focus](focused))
	}
	switch {
	case k.TabTo != "":
		for range 300 {
			f, err := tab()
			if err != nil {
				return err
			}
			if f.Text == k.TabTo || f.Href == k.TabTo {
				return nil
			}
		}
		return fmt.Errorf("the Tab key does not come to %q", k.TabTo)
	case k.Type != "":
		return chromedp.Do(ctx, chromedp.KeyEvent(k.Type))
	case k.Enter:
		return loads(ctx, chromedp.KeyEvent(kb.Enter))
	case k.Wait:
		return loads(ctx)
	}
	for range k.Walk {
		f, err := tab()
		if err != nil {
			return err
		}
		if n := len(s.Focus); f.Tag == "BODY" || n > 1 && f.Place == s.Focus[0].Place {
			return nil // once around
		}
		s.Focus = append(s.Focus, f)
	}
	return nil
}

// loads does what leads to a page, and waits for it.
func loads(ctx context.Context, does ...chromedp.Action[chromedp.Void]) error {
	loaded := make(chan struct{}, 1)
	listen, stop := context.WithCancel(ctx)
	defer stop()
	err := chromedp.Listen(listen, func(event any) {
		if _, ok := event.(*page.EventLoadEventFired); ok {
			select {
			case loaded <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		return err
	}
	if err := chromedp.Do(ctx, does...); err != nil {
		return err
	}
	select {
	case <-loaded:
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("no page is loaded")
	case <-ctx.Done():
		return ctx.Err()
	}
}
