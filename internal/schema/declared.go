package schema

// declaredRules are those of what exporter.yml declares beside its clusters.
func declaredRules() map[string]Rule {
	const size = `^([0-9]+(\.[0-9]+)*( ?[KMGTPkmgtp])?(i?[Bb])?|max|infinity|unlimited)?$` // or a version
	return map[string]Rule{
		"inventory.Exporter.DigestKeyFile": {Pattern: absolute},

		"inventory.Value":         {Required: []string{"name", "cluster"}, Exactly: []string{"file", "sysctl", "limit", "port", "version"}},
		"inventory.Value.Name":    {Pattern: name},
		"inventory.Value.Cluster": {Pattern: name},
		"inventory.Value.File":    {Pattern: absolute},
		"inventory.Value.Cgroup":  {Pattern: absolute},
		"inventory.Value.Limit":   {Pattern: `^([a-z0-9_]+(\.[a-z0-9_]+)+)?$`},
		"inventory.Value.Port":    {Minimum: number(1), Maximum: number(65535)},
		"inventory.Value.AtLeast": {Pattern: size},
		"inventory.Value.AtMost":  {Pattern: size},
		"inventory.Value.SHA256":  {Pattern: `^([0-9a-f]{64})?$`},
		"inventory.Value.OneOf":   {MinItems: 1},

		"inventory.Backup":              {Required: []string{"name"}, Exactly: []string{"dir", "report"}},
		"inventory.Backup.Name":         {Pattern: name},
		"inventory.Backup.Cluster":      {Pattern: `^([a-z0-9][a-z0-9-]{0,62})?$`},
		"inventory.Backup.Dir":          {Pattern: absolute},
		"inventory.Backup.Report":       {Pattern: absolute},
		"inventory.Backup.VerifiedFile": {Pattern: absolute},
		"inventory.Backup.Files":        {Pattern: `^[^/]*$`},
		"inventory.Backup.Keep":         {Minimum: number(0)},

		"inventory.Tree":         {Required: []string{"cluster", "source"}},
		"inventory.Tree.Cluster": {Pattern: name},
	}
}
