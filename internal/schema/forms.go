package schema

import (
	"fmt"
	"maps"
	"reflect"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/inventory"
	"github.com/fettle-io/fettle/probe"
	"github.com/fettle-io/fettle/repair"
)

// Form is a file that people write.
type Form struct {
	// Name is the published file's, in docs/schemas.
	Name, Title string
	Type        reflect.Type
}

// Forms are the files that have a schema.
func Forms() []Form {
	return []Form{
		{"fettle.json", "fettle.yml: what fettle serve reads", reflect.TypeFor[config.Config]()},
		{"exporter.json", "exporter.yml: what fettle_exporter reads", reflect.TypeFor[inventory.Exporter]()},
		{"playbook.json", "A playbook of fettle", repair.PlaybookForm()},
	}
}

// Base is where the published schemas are.
const Base = "https://raw.githubusercontent.com/fettle-io/fettle/main/docs/schemas/"

// Make makes the schema of a form; root is the directory of the module, whose comments
// it reads.
func (f Form) Make(root string) (*Schema, error) {
	comments, err := Comments(root+"/cluster", root+"/probe", root+"/internal/config", root+"/internal/inventory", root+"/repair")
	if err != nil {
		return nil, err
	}
	duration := Duration()
	g := &Generator{
		Comments: comments, Rules: rules(), YAML: true, Refs: "#/$defs/",
		Types: map[string]*Schema{durationName(): duration, "strictyaml.Size": Size()},
	}
	s := g.Of(f.Type)
	s.Schema, s.ID, s.Title = "https://json-schema.org/draft/2020-12/schema", Base+f.Name, f.Title
	return s, nil
}

func number(n int64) *int64 { return &n }

// Patterns of what names something; the programs check the same, and more.
const (
	name     = `^[a-z0-9][a-z0-9-]{0,62}$`
	absolute = `^(/.*)?$`
	web      = `^(https?://[^/@?#]+(:[0-9]+)?(/[^?#]*)?)?$`
	bareURL  = `^(https?://[^/@?#]+:[0-9]+/?)?$`
)

// rules are what the types do not say.
func rules() map[string]Rule {
	all := map[string]Rule{
		"repair.Tier":      {Enum: []string{"P0", "P1", "P2"}},
		"repair.Autonomy":  {Enum: []string{"observe", "approve", "auto"}},
		"cluster.Kind":     {Enum: inventory.Kinds()},
		"cluster.Disturbs": {Enum: []string{"unit", "cluster", "host"}},

		"cluster.Cluster":            {Required: []string{"name", "kind", "members"}},
		"cluster.Cluster.Name":       {Description: "The label `cluster` of its metrics.", Pattern: name},
		"cluster.TLS.Enabled":        {Description: "Speaks TLS with the system's roots, where the endpoint's scheme does not say so and nothing else is to be declared."},
		"cluster.Cluster.Kind":       {Description: "What it is: which driver looks at it."},
		"cluster.Cluster.TLS":        {Description: "How its members are asked over https."},
		"cluster.Cluster.Members":    {Description: "Its members, in order.", MinItems: 1},
		"cluster.Member":             {Required: []string{"name"}},
		"cluster.Member.Name":        {Description: "The label `member` of its metrics; unique in its cluster.", Pattern: `^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$`},
		"cluster.Member.Endpoint":    {Description: "Where it answers clients: scheme://host:port, and the kind says which schemes there are (http, https, mysql …), or unix:///path or file:///path on its machine; of a service also with a path.", Pattern: `^([a-z]+://[^@?#]+)?$`},
		"cluster.Member.Peer":        {Description: "etcd: its peer URL. The exporter does not need it.", Pattern: bareURL},
		"cluster.Member.Metrics":     {Description: "etcd: its metrics URL, by default the endpoint with /metrics.", Pattern: web},
		"cluster.Member.Unit":        {Description: "The systemd service that runs it, written whole: etcd.service.", Pattern: `^([A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,240}\.service)?$`},
		"cluster.Member.DataDir":     {Description: "Its data directory on its host.", Pattern: absolute},
		"cluster.Member.MemberID":    {Description: "Pins its ID, as etcd prints it: lower-case hexadecimal.", Pattern: `^([0-9a-f]{1,16})?$`},
		"cluster.TLS.CAFile":         {Description: "Certificates of the authorities to trust.", Pattern: absolute},
		"cluster.TLS.CertFile":       {Description: "The client's certificate, with key_file.", Pattern: absolute},
		"cluster.TLS.KeyFile":        {Description: "Its key.", Pattern: absolute},
		"cluster.TLS.ServerName":     {Description: "The name that the server's certificate must have."},
		"cluster.Cluster.Kafka":      {Description: "Of kind kafka alone."},
		"cluster.Cluster.MongoDB":    {Description: "Of kind mongodb alone."},
		"cluster.Postgres.Database":  {Pattern: `^([A-Za-z0-9_][A-Za-z0-9_.$-]{0,62})?$`},
		"cluster.Cluster.Postgres":   {Description: "Of kind postgres alone."},
		"cluster.Cluster.Keepalived": {Description: "Of kind keepalived alone."},
		"cluster.Cluster.Pacemaker":  {Description: "Of kind pacemaker alone."},
		"cluster.Cluster.Gluster":    {Description: "Of kind gluster alone."},
		"cluster.GlusterBrick":       {Required: []string{"volume", "member", "path"}},
		"cluster.GlusterBrick.Path":  {Pattern: absolute},
		"cluster.Cluster.Redis":      {Description: "Of kind redis alone."},
		"cluster.Redis.Sentinels":    {Values: &Rule{Pattern: `^.+:[0-9]+$`}},
		"cluster.Redis.Read":         {Description: "The login at the Sentinels, which have users of their own. Without it none is sent."},
		"cluster.Login.Username":     {Description: "The user."},
		"cluster.Login.PasswordFile": {Description: "A file with the password.", Pattern: absolute},
		"cluster.Commands.Status":    {Description: "Prints one JSON object: what runs.", MinItems: 1},
		"cluster.Commands.Start":     {Description: "Starts it, by a supervisor outside fettle.", MinItems: 1},
		"cluster.Commands.Stop":      {Description: "Stops it.", MinItems: 1},
		"cluster.Commands.Kill":      {Description: "Ends exactly the process named by the argument {identity}.", MinItems: 1},
		"cluster.Commands.Restart":   {Description: "Restarts it.", MinItems: 1},

		"cluster.Cluster.MySQL":        {Description: "Of kind mysql alone."},
		"cluster.MySQL.HeartbeatTable": {Pattern: `^([A-Za-z0-9_$-]{1,64}\.[A-Za-z0-9_$-]{1,64})?$`},

		"config.Config.Clusters":       {Description: "The inventory: everything that fettle may look at and repair."},
		"config.Config.Playbooks":      {Description: "Which playbooks there are."},
		"config.Config.Autonomy":       {Description: "How much fettle may do by itself, and where."},
		"config.Config.Tiers":          {Description: "The engine's numbers, by tier."},
		"config.Config.Overrides":      {Description: "The engine's numbers, for everything, by cluster, by playbook."},
		"config.Config.Guards":         {Description: "What the guards are told."},
		"config.Config.Alertmanager":   {Description: "Every Alertmanager that sends to fettle."},
		"config.Config.Prometheus":     {Description: "The vantage point of the last scrape, and where a playbook's verify is asked."},
		"config.Config.Journal":        {Description: "Where the journal and its key are."},
		"config.Config.Web":            {Description: "What fettle serves, where, and to whom."},
		"config.Config.Brake":          {Pattern: `^/.*$`},
		"config.Playbooks.Dir":         {Pattern: `^/.*$`},
		"config.Playbooks.Only":        {Values: &Rule{Pattern: name}},
		"config.Playbooks.Disable":     {Values: &Rule{Pattern: name}},
		"config.Autonomy.Default":      {Description: "Where nothing more specific is set."},
		"config.Autonomy.Tiers":        {Description: "By tier."},
		"config.Autonomy.Clusters":     {Description: "By cluster.", Keys: name},
		"config.Autonomy.Playbooks":    {Keys: name, Values: &Rule{Keys: name}},
		"config.Overrides.All":         {Description: "For everything."},
		"config.Overrides.Clusters":    {Description: "By cluster.", Keys: name},
		"config.Overrides.Playbooks":   {Description: "By playbook.", Keys: name},
		"config.Journal.Dir":           {Description: "The journal's directory.", Pattern: `^/.*$`},
		"config.Journal.KeyFile":       {Description: "The key that signs it: never inside dir.", Pattern: `^/.*$`},
		"config.Journal.ID":            {Pattern: `^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$`},
		"config.Journal.Blobs":         {Pattern: absolute},
		"config.Archive.Dir":           {Description: "Where old segments go; without it they stay.", Pattern: absolute},
		"config.Archive.Keep":          {Minimum: number(1)},
		"config.Anchor":                {Exactly: []string{"file", "url", "syslog"}},
		"config.Anchor.File":           {Description: "A file that checkpoints are appended to.", Pattern: absolute},
		"config.Anchor.URL":            {Description: "A URL that checkpoints are posted to.", Pattern: web},
		"config.Anchor.Syslog":         {Pattern: `^(local|(udp|tcp)://.+:[0-9]+)?$`},
		"config.Alertmanager.URLs":     {Description: "Their URLs.", Values: &Rule{Pattern: web}},
		"config.Prometheus.URL":        {Description: "Its URL.", Pattern: web},
		"config.Web.Listen":            {Description: "HOST:PORT or :PORT.", Pattern: `^.*:[0-9]+$`},
		"config.Web.Socket":            {Pattern: `^(/.{0,106})?$`},
		"config.Web.ExternalURL":       {Description: "Where people reach it.", Pattern: web},
		"config.Web.ConfigFile":        {Pattern: absolute},
		"config.Web.Roles":             {Description: "Who may do what. Without any nobody is known, and fettle listens on loopback only."},
		"config.Web.MaxBody":           {Description: "The largest message that is taken."},
		"config.Web.MaxConnections":    {Description: "Connections at a time.", Minimum: number(1)},
		"config.Role":                  {Required: []string{"role"}, Exactly: []string{"token_file", "user", "certificate_name"}},
		"config.Role.Role":             {Enum: []string{"webhook", "metrics", "viewer", "operator"}},
		"config.Role.TokenFile":        {Description: "A file with a bearer token, mode 0600.", Pattern: absolute},
		"config.Role.User":             {Description: "A user of config_file's basic_auth_users."},
		"config.Role.CertificateName":  {Description: "A name in a client certificate."},
		"config.VersionGuard.KnownBad": {Values: &Rule{Values: &Rule{Pattern: `^[0-9]+\.[0-9]+\.[0-9]+(-[0-9]+\.[0-9]+\.[0-9]+)?$`}}},

		"config.Group.Name":             {Description: "Its name, in refusals."},
		"config.Window.To":              {Pattern: `^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`, Description: "HH:MM; before from: on the next day; 24:00: the end of the day."},
		"config.Window.Playbooks":       {Description: "For these only."},
		"config.Window.Tiers":           {Description: "For these tiers only."},
		"config.BlastRadius.Groups":     {Description: "What must not go away together."},
		"config.Prometheus.TokenFile":   {Description: "A file with a bearer token."},
		"config.Journal.AnchorEvery":    {Description: "Anchors get a checkpoint at most so often."},
		"config.Journal.Reserve":        {Description: "The room that is kept on the disk ahead of what is written."},
		"config.Journal.Anchors":        {Description: "where signed checkpoints are kept as well."},
		"config.Journal.SegmentSize":    {Description: "how long a segment grows before the next one begins."},
		"config.Window.From":            {Pattern: `^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`, Description: "HH:MM on a clock in timezone."},
		"config.Window.Days":            {Values: &Rule{Pattern: `^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$`}},
		"config.Group.AtMost":           {Pattern: `^[0-9]{1,6}%?$`},
		"config.Group":                  {Required: []string{"name", "members", "at_most"}},
		"inventory.Exporter.Clusters":   {Description: "The clusters to look at, in the form of fettle.yml."},
		"inventory.Exporter.Probes":     {MaxItems: 200},
		"probe.Probe":                   {Required: []string{"name", "kind", "target"}},
		"probe.Probe.Name":              {Pattern: name},
		"probe.Kind":                    {Enum: probe.Kinds()},
		"probe.Probe.Failures":          {Minimum: number(1)},
		"probe.Probe.IPVersion":         {Minimum: number(4), Maximum: number(6)},
		"probe.ICMPOptions.Packets":     {Minimum: number(1), Maximum: number(10)},
		"probe.ICMPOptions.Replies":     {Minimum: number(1), Maximum: number(10)},
		"probe.HTTPOptions.Method":      {Enum: []string{"GET", "HEAD"}},
		"probe.HTTPOptions.Status":      {Values: &Rule{Minimum: number(200), Maximum: number(599)}},
		"probe.HTTPOptions.Headers":     {Keys: `^[A-Za-z0-9-]{1,64}$`},
		"probe.HTTPOptions.HeaderFiles": {Keys: `^[A-Za-z0-9-]{1,64}$`, Values: &Rule{Pattern: absolute}},
		"probe.DNSOptions.Type":         {Enum: probe.RecordTypes()},
		"inventory.Exporter.Collectors": {Keys: `^[a-z0-9_]{1,63}$`},
	}
	maps.Copy(all, playbookRules())
	maps.Copy(all, declaredRules())
	for _, n := range config.Numbers() {
		if n.Field == "" {
			continue
		}
		r := all["config.Override."+n.Field]
		r.Description = fmt.Sprintf("%s. By default %s.", n.Help, n.DefaultText())
		if n.Zero == "" {
			r.Minimum = number(1)
		}
		all["config.Override."+n.Field] = r
	}
	return all
}

// playbookRules are those of the playbook language.
func playbookRules() map[string]Rule {
	argument := &Rule{Pattern: `^(\$[a-zA-Z_][a-zA-Z0-9_]*|[^$]*)$`} // a literal, or a whole label
	return map[string]Rule{
		"repair.playbookYAML":             {Required: []string{"name", "version", "on", "target", "tier", "autonomy", "steps"}, Description: "What is repaired, and how: docs/playbooks/README.md."},
		"repair.playbookYAML.Name":        {Description: "The file's name without .yml.", Pattern: name},
		"repair.playbookYAML.Version":     {Description: "Of the language.", Minimum: number(repair.PlaybookVersion), Maximum: number(repair.PlaybookVersion)},
		"repair.playbookYAML.Description": {Description: "For people."},
		"repair.playbookYAML.On":          {Description: "Alertmanager matchers: for which alerts it is.", MinItems: 1, Values: &Rule{Pattern: `[=~]`}},
		"repair.playbookYAML.Labels":      {Description: "The labels that steps may use, with their types.", Keys: `^[a-zA-Z_][a-zA-Z0-9_]*$`},
		"repair.playbookYAML.Target":      {Description: "The inventory entry that it is about."},
		"repair.playbookYAML.Tier":        {Description: "How urgent it is."},
		"repair.playbookYAML.Autonomy":    {Description: "The most that it may do by itself; fettle.yml decides below it."},
		"repair.playbookYAML.Settle":      {Description: "How long it must stay in order to count as repaired."},
		"repair.playbookYAML.Cooldown":    {Description: "Between two mutating runs on one target."},
		"repair.playbookYAML.Steps":       {Description: "What is done, one after the other.", MinItems: 1, MaxItems: 16},
		"repair.playbookYAML.Verify":      {Description: "What Prometheus has to show beside."},
		"repair.labelYAML":                {Description: "The type of a label: exactly one of a pattern and an enumeration.", Exactly: []string{"pattern", "enum"}},
		"repair.labelYAML.Pattern":        {Description: "A regular expression that the whole value matches."},
		"repair.labelYAML.Enum":           {Description: "The values."},
		"repair.targetYAML":               {Required: []string{"kind", "cluster", "member"}, Description: "Names, or $references to declared labels."},
		"repair.targetYAML.Kind":          {Description: "Of its cluster."},
		"repair.targetYAML.Cluster":       {Description: "A name, or $label.", Pattern: argument.Pattern},
		"repair.targetYAML.Member":        {Description: "A name, or $label.", Pattern: argument.Pattern},
		"repair.targetYAML.Instance":      {Description: "A $label that is asked where an alert has none for the member: the address or host of one.", Pattern: `^\$`},
		"repair.targetYAML.Unit":          {Description: "A $label with the unit, where an instance alone does not say which.", Pattern: `^\$`},
		"repair.targetYAML.Unnamed":       {Description: "Which member an alert means that names none; without it such an alert is refused."},
		"repair.stepYAML":                 {Required: []string{"name", "action"}, Description: "One mutation at most."},
		"repair.stepYAML.Name":            {Description: "Unique in the playbook.", Pattern: name},
		"repair.stepYAML.Action":          {Description: "What is done: docs/actions/README.md."},
		"repair.stepYAML.With":            {Description: "The action's parameters: literals, or $label.", Values: argument},
		"repair.stepYAML.Deadline":        {Description: "Verified within this time; by default the tier's."},
		"repair.stepYAML.Attempts":        {Description: "Within one run.", Minimum: number(1), Maximum: number(10)},
		"repair.stepYAML.Once":            {Description: "It must never be done twice: what cannot be told ends unknown."},
		"repair.stepYAML.Exec":            {Description: "With action exec: the command."},
		"repair.stepYAML.HTTP":            {Description: "With action http: the request."},
		"repair.verifyYAML":               {Required: []string{"promql"}, Description: "Asked where the look already says that it is in order."},
		"repair.verifyYAML.PromQL":        {Description: "It returns series where all is well, and none where it is not."},

		"repair.HTTPLook.Equals":    {Description: "What stands at the pointer when it is in order."},
		"repair.HTTPUndo.Headers":   {Description: "Literal headers."},
		"repair.HTTPUndo.JSON":      {Description: "as in the request; a string value may be $was, the old value."},
		"repair.HTTPUndo.Expect":    {Description: "Statuses of an answer that took it."},
		"repair.HTTPUndo.Unhealthy": {Description: "It is put back also where the target is not healthy."},
		"repair.HTTPUndo.OnFailure": {Description: "It is taken back by itself when the run does not repair."},
		"repair.ExecUndo.OnFailure": {Description: "It is taken back by itself when the run does not repair."},
		"repair.ExecUndo.Unhealthy": {Description: "It is put back also where the target is not healthy."},
		"repair.HTTP.JSON":          {Description: "Sent as application/json; a string value may be $label."},
		"repair.HTTP.Headers":       {Description: "Literal headers."},
		"repair.HTTP.Disturbs":      {Description: "What it holds up meanwhile."},
		"repair.HTTP.Takes":         {Description: "Whether the service may go away meanwhile; not said: it may."},
		"repair.HTTPUndo.Body":      {Description: "as in the request."},
		"repair.Exec.Timeout":       {Description: "then it is killed, with everything that it started; by default 30s."},
		"repair.HTTP.Timeout":       {Description: "of a request; by default 30s."},
		"repair.HTTP.Body":          {Description: "sent as it is; not with json."},
		"repair.HTTPLook.Pointer":   {Description: "where in the answer's JSON the value stands (RFC 6901)."},
		"repair.ExecUndo.Unless":    {Description: "a command that only looks: exit 0 says that it is undone."},
		"repair.HTTPUndo.Unless":    {Description: "a GET that tells that it is undone."},
		"repair.HTTP.Unless":        {Description: "a GET that tells that it is in order."},
		"repair.HTTP.TokenFile":     {Description: "a file with the bearer token to send."},
		"repair.Exec":               {Required: []string{"argv"}},
		"repair.Exec.Argv":          {MinItems: 1, MaxItems: 64, Values: argument},
		"repair.Exec.Unless":        {MinItems: 1, MaxItems: 64, Values: argument},
		"repair.Exec.Creates":       {Pattern: absolute},
		"repair.Exec.Writable":      {Values: &Rule{Pattern: `^/.+$`}},
		"repair.Exec.Env":           {Description: "Variables: a literal or $label.", Keys: `^[A-Za-z_][A-Za-z0-9_]{0,63, Values: argument}$`},
		"repair.Exec.Capabilities":  {Values: &Rule{Pattern: `^CAP_[A-Z_]+$`}},
		"repair.Exec.Undo":          {Description: "How it is taken back."},
		"repair.ExecUndo":           {Required: []string{"argv"}},
		"repair.ExecUndo.Argv":      {Description: "the program and its arguments; one may be $was, the old value.", MinItems: 1, MaxItems: 64},
		"repair.HTTP":               {Required: []string{"method", "url"}},
		"repair.HTTP.Method":        {Description: "The request's method.", Enum: []string{"GET", "POST", "PUT", "PATCH", "DELETE"}},
		"repair.HTTP.URL":           {Pattern: `^https?://[^$@#]+`},
		"repair.HTTP.Expect":        {Values: &Rule{Minimum: number(200), Maximum: number(599)}},
		"repair.HTTPUndo":           {Required: []string{"method", "url"}},
		"repair.HTTPUndo.Method":    {Description: "The request's method.", Enum: []string{"GET", "POST", "PUT", "PATCH", "DELETE"}},
		"repair.HTTPUndo.URL":       {Description: "The request's URL.", Pattern: `^https?://[^$@#]+`},
		"repair.HTTPLook":           {Required: []string{"url"}},
		"repair.HTTPLook.URL":       {Description: "What is asked.", Pattern: `^https?://[^$@#]+`},
	}
}
