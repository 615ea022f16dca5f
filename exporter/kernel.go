package exporter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

type kernelCollector struct {
	host                    Host
	uname, system           *Metric
	oopses, warnings, stuck *Metric
}

func newKernel(h Host) Collector {
	return &kernelCollector{
		host:     h,
		uname:    gauge("fettle_node_uname_info", "The kernel that runs, as uname tells it. Always 1.", "sysname", "nodename", "release", "version"),
		system:   gauge("fettle_node_os_info", "The operating system, as its os-release tells it. Always 1.", "id", "version_id", "name", "pretty_name"),
		oopses:   counter("fettle_node_kernel_oopses_total", "Errors of the kernel that it survived. Absent before Linux 6.2."),
		warnings: counter("fettle_node_kernel_warnings_total", "Places in the kernel that warned that something is not as it should be. Absent before Linux 6.2."),
		stuck:    counter("fettle_node_hung_tasks_total", "Processes that slept without a break for longer than kernel.hung_task_timeout_secs. Absent before Linux 6.13."),
	}
}

func (c *kernelCollector) Metrics() []*Metric {
	return []*Metric{c.uname, c.system, c.oopses, c.warnings, c.stuck}
}

func (c *kernelCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	labels := make([]string, 0, len(c.uname.Labels))
	for _, name := range []string{"ostype", "hostname", "osrelease", "version"} {
		path := c.host.proc("sys/kernel/" + name)
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read kernel: %w", err)
		}
		if strings.TrimSpace(string(text)) == "" {
			return fmt.Errorf("read kernel: %s is empty", path)
		}
		labels = append(labels, strings.TrimSpace(string(text)))
	}
	emit(c.uname, 1, labels...)

	var errs error
	for path, m := range map[string]*Metric{
		filepath.Join(c.host.sys(), "kernel/oops_count"): c.oopses,
		filepath.Join(c.host.sys(), "kernel/warn_count"): c.warnings,
		c.host.proc("sys/kernel/hung_task_detect_count"): c.stuck,
	} {
		n, err := count(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // an older kernel
		case err != nil:
			errs = errors.Join(errs, fmt.Errorf("read kernel: %w", err))
		default:
			emit(m, float64(n))
		}
	}
	release, err := c.release()
	if err != nil {
		return errors.Join(errs, fmt.Errorf("read os-release: %w", err))
	}
	if release != nil {
		emit(c.system, 1, release["ID"], release["VERSION_ID"], release["NAME"], release["PRETTY_NAME"])
	}
	return errs
}

func count(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: want a number, got %q", path, text)
	}
	return n, nil
}

// release is what the machine's os-release says; nil if it has none.
func (c *kernelCollector) release() (map[string]string, error) {
	text, err := os.ReadFile(c.host.path("/etc/os-release"))
	if errors.Is(err, fs.ErrNotExist) { // or a link out of the root
		text, err = os.ReadFile(c.host.path("/usr/lib/os-release"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("want NAME=VALUE, got %q", line)
		}
		values[key] = unquote(value)
	}
	return values, nil
}

// unquote takes the quotes of a shell's assignment off. os-release holds no more of
// the shell than those and a backslash before what would otherwise mean something.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		quote := s[0]
		s = s[1 : len(s)-1]
		if quote == '\'' {
			return s
		}
	}
	var plain strings.Builder
	escaped := false
	for _, r := range s {
		if r == '\\' && !escaped {
			escaped = true
			continue
		}
		escaped = false
		plain.WriteRune(r)
	}
	return plain.String()
}
