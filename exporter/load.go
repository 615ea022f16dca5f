package exporter

type loadCollector struct {
	loads  [3]*Metric
	source loadSource
}

func newLoad(h Host) Collector {
	return &loadCollector{
		source: newLoadSource(h),
		loads: [3]*Metric{
			gauge("fettle_node_load1", "Load average of 1 minute."),
			gauge("fettle_node_load5", "Load average of 5 minutes."),
			gauge("fettle_node_load15", "Load average of 15 minutes."),
		},
	}
}

func (c *loadCollector) Metrics() []*Metric { return c.loads[:] }
