// Command dist makes a release: for each target an archive with the programs and
// what belongs to them, and an SBOM; for Linux deb and rpm packages; and the
// checksums of all of it. Two runs over the same sources give the same bytes,
// wherever they run: times come from SOURCE_DATE_EPOCH, and nothing of the machine
// gets in.
//
//	go run ./tools/dist -version=1.2.3 -revision=$(git rev-parse HEAD) -nfpm=.cache/bin/nfpm
//
// main.go has the command line, target.go the table of what is built for whom,
// contents.go what goes with it, and archive.go, sbom.go, packages.go and
// checksums.go write one kind of file each.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// release is one run.
type release struct {
	version, revision string
	source            string    // fettle's source tree
	out               string    // where the release goes
	nfpm              string    // the program that writes deb and rpm; empty: none are written
	when              time.Time // of everything in it
	targets           []target
	progress          io.Writer
}

func run(ctx context.Context, args []string, progress io.Writer) error {
	r := release{progress: progress}
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	flags.StringVar(&r.version, "version", "", "the release's version, as 1.2.3 or 1.2.3-rc.1")
	flags.StringVar(&r.revision, "revision", "unknown", "the commit that it is made from")
	flags.StringVar(&r.source, "source", ".", "fettle's source tree")
	flags.StringVar(&r.out, "out", "dist", "where to put it; what is there is removed")
	flags.StringVar(&r.nfpm, "nfpm", "", "nfpm, for the packages; without it there are none")
	only := flags.String("targets", "", "only these, as linux/amd64,windows/amd64; empty: all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(r.version) {
		return fmt.Errorf("-version=%q: want one as 1.2.3 or 1.2.3-rc.1", r.version)
	}
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH, the time that everything in the release gets (seconds since 1970; make sets it to the commit's): %w", err)
	}
	r.when = time.Unix(epoch, 0).UTC()
	if r.targets, err = targets(*only); err != nil {
		return err
	}
	return r.make(ctx)
}

// make writes the whole release into r.out.
func (r release) make(ctx context.Context) (err error) {
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	stage, err := os.MkdirTemp("", "fettle-dist-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	var pages []file
	if slices.ContainsFunc(r.targets, func(t target) bool { return len(t.programs) > 1 }) {
		if pages, err = r.commandPages(ctx); err != nil {
			return err
		}
	}
	for _, t := range r.targets {
		began := time.Now()
		dir := filepath.Join(stage, t.os+"_"+t.arch)
		if err := r.target(ctx, t, dir, pages); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		fmt.Fprintf(r.progress, "%s: %d s\n", t, int(time.Since(began).Seconds()))
	}
	return checksums(r.out)
}

// target writes what is released for one target.
func (r release) target(ctx context.Context, t target, dir string, pages []file) error {
	programs, err := r.build(ctx, t, dir)
	if err != nil {
		return err
	}
	if err := r.writeSBOM(t, programs); err != nil {
		return fmt.Errorf("SBOM: %w", err)
	}
	inside, err := r.contents(t, programs, pages)
	if err != nil {
		return err
	}
	if err := r.archive(t, inside); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if t.os != "linux" || r.nfpm == "" {
		return nil
	}
	if err := r.packages(ctx, t, inside, dir); err != nil {
		return fmt.Errorf("packages: %w", err)
	}
	return nil
}
