module github.com/fettle-io/fettle/dashboards/generate

go 1.26.0

require (
	github.com/fettle-io/fettle v0.0.0
	github.com/grafana/grafana-foundation-sdk/go v0.0.12
	go.yaml.in/yaml/v3 v3.0.6
)

replace github.com/fettle-io/fettle => ../..
