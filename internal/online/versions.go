package online

import (
	"context"
	"sync"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
)

// Versions asks every member of the clusters that can be looked at which version it is:
// by "cluster/member". Of one that does not say there is none. Nothing is written.
func Versions(ctx context.Context, clusters []cluster.Cluster) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var mu sync.Mutex
	var looks sync.WaitGroup
	versions := map[string]string{}
	for _, c := range clusters {
		looks.Go(func() {
			c.Etcd.Canary = cluster.EtcdCanary{}
			driver, err := exporter.Open(c)
			if err != nil || driver == nil {
				return // Check tells of what is wrong with it
			}
			defer driver.Close() //nolint:errcheck // only asked
			for _, m := range driver.View(ctx).Members {
				if m.Version == "" {
					continue
				}
				mu.Lock()
				versions[c.Name+"/"+m.Name] = m.Version
				mu.Unlock()
			}
		})
	}
	looks.Wait()
	return versions
}
