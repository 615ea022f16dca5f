package exporter

type memoryCollector struct {
	host   Host
	fields []memoryField
	source memorySource
}

// memoryField is a line of /proc/meminfo: its name, and what it is told as.
type memoryField struct {
	name   string
	metric *Metric
}

func newMemory(h Host) Collector {
	return &memoryCollector{host: h, source: newMemorySource(h), fields: []memoryField{
		{"MemTotal", gauge("fettle_node_memory_total_bytes", "Memory that the kernel manages.")},
		{"MemAvailable", gauge("fettle_node_memory_available_bytes", "Memory that can be had without swapping, as the kernel estimates it.")},
		{"MemFree", gauge("fettle_node_memory_free_bytes", "Memory that is not used for anything, caches included.")},
		{"Buffers", gauge("fettle_node_memory_buffers_bytes", "Memory that caches raw blocks.")},
		{"Cached", gauge("fettle_node_memory_cached_bytes", "Memory that caches files, with the kernel's reclaimable slab.")},
		{"SwapTotal", gauge("fettle_node_memory_swap_total_bytes", "Swap space.")},
		{"SwapFree", gauge("fettle_node_memory_swap_free_bytes", "Swap space that is not used.")},
		{"SwapCached", gauge("fettle_node_memory_swap_cached_bytes", "Memory that has a valid copy in swap.")},
		{"Active", gauge("fettle_node_memory_active_bytes", "Memory that was used lately.")},
		{"Inactive", gauge("fettle_node_memory_inactive_bytes", "Memory that was not used lately: reclaimed first.")},
		{"Active(anon)", gauge("fettle_node_memory_active_anon_bytes", "Memory of processes, and of tmpfs, that was used lately.")},
		{"Inactive(anon)", gauge("fettle_node_memory_inactive_anon_bytes", "Memory of processes, and of tmpfs, that was not used lately.")},
		{"Active(file)", gauge("fettle_node_memory_active_file_bytes", "Cached files that were used lately.")},
		{"Inactive(file)", gauge("fettle_node_memory_inactive_file_bytes", "Cached files that were not used lately.")},
		{"Unevictable", gauge("fettle_node_memory_unevictable_bytes", "Memory that cannot be reclaimed, with what is locked.")},
		{"Mlocked", gauge("fettle_node_memory_locked_bytes", "Memory that processes have locked.")},
		{"Dirty", gauge("fettle_node_memory_dirty_bytes", "Memory that waits to be written to a disk.")},
		{"Writeback", gauge("fettle_node_memory_writeback_bytes", "Memory that is being written to a disk.")},
		{"WritebackTmp", gauge("fettle_node_memory_writeback_tmp_bytes", "Memory of FUSE that waits to be written.")},
		{"AnonPages", gauge("fettle_node_memory_anon_bytes", "Memory of processes that is of no file.")},
		{"Mapped", gauge("fettle_node_memory_mapped_bytes", "Files that are mapped into processes.")},
		{"Shmem", gauge("fettle_node_memory_shared_bytes", "Shared memory, with tmpfs.")},
		{"KReclaimable", gauge("fettle_node_memory_kernel_reclaimable_bytes", "Memory of the kernel that it gives back under pressure.")},
		{"Slab", gauge("fettle_node_memory_slab_bytes", "The kernel's slab.")},
		{"SReclaimable", gauge("fettle_node_memory_slab_reclaimable_bytes", "The kernel's slab that can be reclaimed, such as cached names of files.")},
		{"SUnreclaim", gauge("fettle_node_memory_slab_unreclaimable_bytes", "The kernel's slab that cannot be reclaimed.")},
		{"KernelStack", gauge("fettle_node_memory_kernel_stack_bytes", "The kernel's stacks, one per thread.")},
		{"PageTables", gauge("fettle_node_memory_page_tables_bytes", "Page tables.")},
		{"SecPageTables", gauge("fettle_node_memory_secondary_page_tables_bytes", "Page tables of virtual machines and of devices.")},
		{"NFS_Unstable", gauge("fettle_node_memory_nfs_unstable_bytes", "Memory that an NFS server has not written yet.")},
		{"Bounce", gauge("fettle_node_memory_bounce_bytes", "Memory through which devices are reached that cannot reach all of it.")},
		{"CommitLimit", gauge("fettle_node_memory_commit_limit_bytes", "Memory that can be promised, where overcommitment is off.")},
		{"Committed_AS", gauge("fettle_node_memory_committed_bytes", "Memory that was promised to processes.")},
		{"VmallocTotal", gauge("fettle_node_memory_vmalloc_total_bytes", "The kernel's space for vmalloc.")},
		{"VmallocUsed", gauge("fettle_node_memory_vmalloc_used_bytes", "The kernel's space for vmalloc that is used.")},
		{"VmallocChunk", gauge("fettle_node_memory_vmalloc_chunk_bytes", "Largest free piece of it. 0 on today's kernels.")},
		{"Percpu", gauge("fettle_node_memory_percpu_bytes", "Memory that the kernel keeps per CPU.")},
		{"EarlyMemtestBad", gauge("fettle_node_memory_early_memtest_bad_bytes", "Memory that a test at boot found bad.")},
		{"HardwareCorrupted", gauge("fettle_node_memory_hardware_corrupted_bytes", "Memory that the hardware reported as broken.")},
		{"Zswap", gauge("fettle_node_memory_zswap_bytes", "Memory that holds compressed swap.")},
		{"Zswapped", gauge("fettle_node_memory_zswapped_bytes", "Memory that is compressed in it, before compression.")},
		{"AnonHugePages", gauge("fettle_node_memory_anon_huge_bytes", "Huge pages of processes, made by the kernel.")},
		{"ShmemHugePages", gauge("fettle_node_memory_shared_huge_bytes", "Huge pages of shared memory.")},
		{"ShmemPmdMapped", gauge("fettle_node_memory_shared_huge_mapped_bytes", "Huge pages of shared memory that are mapped.")},
		{"FileHugePages", gauge("fettle_node_memory_file_huge_bytes", "Huge pages of cached files.")},
		{"FilePmdMapped", gauge("fettle_node_memory_file_huge_mapped_bytes", "Huge pages of cached files that are mapped.")},
		{"CmaTotal", gauge("fettle_node_memory_cma_total_bytes", "Memory for devices that need it in one piece.")},
		{"CmaFree", gauge("fettle_node_memory_cma_free_bytes", "Of that, what is free.")},
		{"Unaccepted", gauge("fettle_node_memory_unaccepted_bytes", "Memory that this virtual machine has not taken yet.")},
		{"Balloon", gauge("fettle_node_memory_balloon_bytes", "Memory that this virtual machine has given back to its host.")},
		{"HugePages_Total", gauge("fettle_node_memory_hugepages", "Huge pages that are set aside.")},
		{"HugePages_Free", gauge("fettle_node_memory_hugepages_free", "Of them, those that are free.")},
		{"HugePages_Rsvd", gauge("fettle_node_memory_hugepages_reserved", "Of the free ones, those that are promised.")},
		{"HugePages_Surp", gauge("fettle_node_memory_hugepages_surplus", "Huge pages beyond the number that is set.")},
		{"Hugepagesize", gauge("fettle_node_memory_hugepage_size_bytes", "Size of a huge page.")},
		{"Hugetlb", gauge("fettle_node_memory_hugetlb_bytes", "Memory that is set aside as huge pages of all sizes.")},
		{"DirectMap4k", gauge("fettle_node_memory_direct_map_4k_bytes", "Memory that the kernel maps in pages of 4 KiB.")},
		{"DirectMap2M", gauge("fettle_node_memory_direct_map_2m_bytes", "Memory that the kernel maps in pages of 2 MiB.")},
		{"DirectMap4M", gauge("fettle_node_memory_direct_map_4m_bytes", "Memory that the kernel maps in pages of 4 MiB.")},
		{"DirectMap1G", gauge("fettle_node_memory_direct_map_1g_bytes", "Memory that the kernel maps in pages of 1 GiB.")},
	}}
}

func (c *memoryCollector) Metrics() []*Metric {
	metrics := make([]*Metric, len(c.fields))
	for i, f := range c.fields {
		metrics[i] = f.metric
	}
	return metrics
}
