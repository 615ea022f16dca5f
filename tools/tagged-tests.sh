#!/bin/bash
# Runs, package by package, the tests that stand in files with the build tag servers:
# the others of these packages have been run by `make test`, with the same etcd.
# usage: tagged-tests.sh FLAGS -- PACKAGES
set -euo pipefail

flags=()
while [ "$1" != -- ]; do
	flags+=("$1")
	shift
done
shift

failed=()
for package in "$@"; do
	files=$(grep -l '^//go:build servers' "$package"/*_test.go)
	tests=$(sed -n 's/^func \(Test[A-Za-z0-9_]*\)(t \*testing\.T).*/\1/p' $files | paste -sd'|')
	[ -n "$tests" ] || continue
	"${GO:-go}" test "${flags[@]}" -run "^($tests)$" "$package" || failed+=("$package")
done
if [ "${#failed[@]}" -gt 0 ]; then
	echo "failed: ${failed[*]}" >&2
	exit 1
fi
