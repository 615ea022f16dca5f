//go:build bench

package systemsbench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// published is our part for MariaDB, PostgreSQL and Redis beside the sum of the three
// exporters that others publish for them, each as it comes: they tell more of each server.
func published(ctx context.Context, t *testing.T, f *fleet, n amount) {
	t.Helper()
	theirs := []struct {
		name string
		all  []*process
	}{
		{"mysqld_exporter 0.14", f.mysqldExporters(ctx, t)},
		{"postgres_exporter 0.11", f.postgresExporters(ctx, t)},
		{"redis_exporter 1.88", f.redisExporter(ctx, t)},
	}
	var body bytes.Buffer
	all := []*process{fettle(ctx, t, &body, 2+2+len(f.plan.Redis)+len(f.plan.Sentinels), systems(f.config(t, "mysql", "postgres", "redis"))...)}
	for _, e := range theirs {
		all = append(all, e.all...)
	}
	costs := compare(ctx, t, n, all...)
	fmt.Printf("\nMariaDB, PostgreSQL, Redis and Sentinels beside the exporters that others publish\n")
	told("fettle_exporter", millis(costs[0].cpu), "ms")
	at, sum := 1, time.Duration(0)
	for _, e := range theirs {
		var cpu time.Duration
		for _, c := range costs[at : at+len(e.all)] {
			cpu += c.cpu
		}
		told(fmt.Sprintf("%s, processes: %d", e.name, len(e.all)), millis(cpu), "ms")
		at, sum = at+len(e.all), sum+cpu
	}
	held(t, "ratio to their sum", costs[0].cpu.Seconds()/sum.Seconds(), besideOne, "")
}

// exporterOf starts an exporter that others publish, and waits until its page, at these
// paths, says up.
func exporterOf(ctx context.Context, t *testing.T, up string, paths, env []string, name string, args ...string) *process {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableCompression: true}}
	var body bytes.Buffer
	p := exporter(t, nil, env, func(ctx context.Context, base string) error {
		for _, path := range paths {
			body.Reset()
			if err := page(ctx, client, base+path, &body); err != nil {
				return err
			}
			if !strings.Contains(body.String(), "\n"+up+" 1\n") {
				return fmt.Errorf("%s%s has no %s 1", name, path, up)
			}
		}
		return nil
	}, name, args...)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := p.round(ctx)
		if err == nil {
			return p
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// mysqldExporters are one for each server: this version knows no other way.
func (f *fleet) mysqldExporters(ctx context.Context, t *testing.T) (all []*process) {
	t.Helper()
	for _, address := range f.plan.MySQL.Addresses {
		host, port, err := net.SplitHostPort(address)
		must(t, err)
		file := filepath.Join(f.dir, "exporter-"+port+".cnf")
		must(t, os.WriteFile(file, fmt.Appendf(nil, "[client]\nuser=exporter\npassword=%s\nhost=%s\nport=%s\n", password, host, port), 0o600))
		all = append(all, exporterOf(ctx, t, "mysql_up", []string{"/metrics"}, nil, "prometheus-mysqld-exporter", "--config.my-cnf="+file))
	}
	return all
}

func (f *fleet) postgresExporters(ctx context.Context, t *testing.T) (all []*process) {
	t.Helper()
	for _, address := range f.plan.Postgres.Addresses {
		source := fmt.Sprintf("DATA_SOURCE_NAME=postgresql://%s:%s@%s/postgres?sslmode=disable", f.plan.Postgres.User, f.plan.Postgres.Password, address)
		all = append(all, exporterOf(ctx, t, "pg_up", []string{"/metrics"}, []string{source}, "prometheus-postgres-exporter"))
	}
	return all
}

// redisExporter is one for all servers and Sentinels, which connects anew each time.
func (f *fleet) redisExporter(ctx context.Context, t *testing.T) []*process {
	t.Helper()
	var paths []string
	for _, addresses := range [][]string{f.plan.Redis, f.plan.Sentinels} {
		for _, address := range addresses {
			paths = append(paths, "/scrape?target=redis://"+address)
		}
	}
	return []*process{exporterOf(ctx, t, "redis_up", paths, nil, program(t, ".cache/bin/redis_exporter"), "--redis.addr=")}
}
