// The definitions of policy reports that the cluster tests hold reports against.
module cluster-binaries/policy-reports

go 1.26.0

require (
	openreports.io v0.2.1
	sigs.k8s.io/wg-policy-prototypes v0.0.0-20230505033312-51c21979086a
)

replace openreports.io => github.com/openreports/reports-api v0.2.1
