package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/exporter/backup"
	"github.com/fettle-io/fettle/exporter/value"
	"github.com/fettle-io/fettle/internal/inventory"
)

// declared is what the configuration says that this machine's exporter looks at beside
// the clusters: of a value or a file tree the part that is on this machine.
func declared(conf inventory.Exporter, host exporter.Host, here func(host string) bool) (exporter.Declared, error) {
	key, err := digestKey(conf.DigestKeyFile)
	if err != nil {
		return exporter.Declared{}, fmt.Errorf("digest_key_file: %w", err)
	}
	d := exporter.Declared{Clusters: conf.Clusters, DigestKey: key}
	inv := cluster.Inventory{Clusters: conf.Clusters}
	for _, v := range conf.Values {
		c, _ := inv.Cluster(v.Cluster)
		members := membersHere(c, here)
		if v.Version {
			members = c.Members // each says it itself
		}
		if len(members) > 0 {
			d.Values = append(d.Values, valueOf(v, members, len(members) == len(c.Members)))
		}
	}
	for _, b := range conf.Backups {
		if b.Host != "" && !here(b.Host) {
			continue
		}
		d.Backups = append(d.Backups, exporter.Backup{
			Name: b.Name, Cluster: b.Cluster, Every: b.Every, Keep: b.Keep, Retain: b.Retain,
			Source: backup.Source{
				Dir: b.Dir, Files: b.Files, MinSize: int64(b.MinSize), Settle: b.Settle, Report: b.Report, Verified: b.VerifiedFile,
			},
		})
	}
	var trees []exporter.Tree
	for _, t := range conf.Trees {
		c, _ := inv.Cluster(t.Cluster)
		trees = append(trees, exporter.Tree{Cluster: t.Cluster, Source: t.Source, Members: membersHere(c, here), Every: t.Every, Settle: t.Settle})
	}
	d.Trees = exporter.NewTrees(trees, host, nil)
	d.Bound = bound(conf, here)
	return d, nil
}

// bound are the members of the clusters of which values or file trees are read on the
// members' machines, and whether that is this one.
func bound(conf inventory.Exporter, here func(host string) bool) []exporter.Bound {
	var all []exporter.Bound
	for _, c := range conf.Clusters {
		if !conf.ReadsOnMachines(c.Name) {
			continue
		}
		for _, m := range c.Members {
			all = append(all, exporter.Bound{Target: cluster.Target{Cluster: c, Member: m}, Here: here(m.Host)})
		}
	}
	return all
}

// membersHere are the members of a cluster that run on this machine.
func membersHere(c cluster.Cluster, here func(host string) bool) []cluster.Member {
	var members []cluster.Member
	for _, m := range c.Members {
		if here(m.Host) {
			members = append(members, m)
		}
	}
	return members
}

// askedHere is c without the members that answer on another machine alone: what is at
// the same path here is none of theirs. A member without a host is on this one.
func askedHere(c cluster.Cluster, here func(host string) bool) cluster.Cluster {
	var members []cluster.Member
	for _, m := range c.Members {
		if !m.Local() || m.Host == "" || here(m.Host) {
			members = append(members, m)
		}
	}
	c.Members = members
	return c
}

func valueOf(v inventory.Value, members []cluster.Member, whole bool) exporter.Value {
	want := value.Want{OneOf: v.OneOf, AtLeast: v.AtLeast, AtMost: v.AtMost, SHA256: v.SHA256}
	if v.Equals != "" {
		want.OneOf = []string{v.Equals}
	}
	return exporter.Value{
		Check: v.Name, Cluster: v.Cluster, Members: members, Whole: whole,
		File: v.File, Key: v.Key, MaxAge: v.MaxAge, Sysctl: v.Sysctl, Limit: v.Limit, Cgroup: v.Cgroup,
		Port: int(v.Port), Version: v.Version, Want: want, Same: v.Same,
	}
}

// The key's length, in bytes. What is shorter can be found out by trying.
const (
	minDigestKey = 16
	maxDigestKey = 4096
)

// digestKey reads the key of the digests; none is configured: none.
func digestKey(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	file, err := value.Read(path, maxDigestKey)
	switch {
	case err != nil:
		return nil, err
	case len(file.Content) < minDigestKey:
		return nil, fmt.Errorf("%s has fewer than %d bytes: make one with `openssl rand -hex 32`, and copy it to every machine", filepath.Clean(path), minDigestKey)
	case !file.Private && os.PathSeparator == '/':
		return nil, errors.New(filepath.Clean(path) + " can be read by everybody: chmod 0640 it")
	}
	return file.Content, nil
}
