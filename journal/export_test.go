package journal

import "github.com/fettle-io/fettle/internal/durable"

// Watch lets a test see, and fail, each step that is done to the disk.
func (o Options) Watch(before func(durable.Step) error) Options {
	o.disk = durable.Disk{Before: before}
	return o
}

// Watch is Options.Watch.
func (o InitOptions) Watch(before func(durable.Step) error) InitOptions {
	o.disk = durable.Disk{Before: before}
	return o
}

// ThinAt has the side file of earlier checkpoints thinned when it has grown by
// so many bytes.
func (o Options) ThinAt(bytes int64) Options {
	o.thinAt = bytes
	return o
}
