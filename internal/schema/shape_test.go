package schema_test

// shape are the mistakes of the table that are about a file's shape: those a schema
// has to find. The others are about what a schema cannot know: other files, other
// places of the file, the machine.
func shape() []string {
	return []string{
		"01-form-duration-negative", "01-form-duration-unit", "01-form-duration-without-unit", "01-form-empty",
		"01-form-key-indented-too-far", "01-form-key-misspelt", "01-form-key-not-indented", "01-form-list-for-section",
		"01-form-number", "01-form-section-for-list", "01-form-size", "01-form-true-for-section", "01-form-word-for-section", "01-form-zero",
		"02-inventory-data-dir", "02-inventory-kind", "02-inventory-member-id", "02-inventory-no-scheme", "02-inventory-slash",
		"02-inventory-unit", "02-inventory-url-password",
		"03-autonomy-tier", "03-guards-window-day", "03-guards-window-time", "03-autonomy-unknown",
		"04-web-listen", "04-web-role", "04-web-socket", "04-web-two-credentials",
		"06-journal-id",
		"07-playbook-glue", "07-playbook-host-from-label", "07-playbook-matcher", "07-playbook-shell",
	}
}
