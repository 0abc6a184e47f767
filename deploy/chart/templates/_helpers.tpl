{{/* A cluster has one guard, so that its name is not the release's. */}}
{{- define "guard.name" -}}
camunda-upgrade-guard
{{- end }}

{{- define "guard.selector" -}}
app.kubernetes.io/name: {{ include "guard.name" . }}
{{- end }}

{{- define "guard.labels" -}}
{{ include "guard.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "guard.metadata" -}}
name: {{ include "guard.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "guard.labels" . | nindent 2 }}
{{- end }}

{{- define "guard.image" -}}
{{- with .Values.image -}}
{{- if not .repository -}}
{{- fail "image.repository is not set, and no image of the guard is published yet. Make one with `make image`, push it to your registry, and add --set image.repository=REGISTRY/camunda-upgrade-guard. docs/install.md has the commands" -}}
{{- end -}}
{{ with .registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* OpenShift gives each namespace its own users; a fixed one is refused there. */}}
{{- define "guard.podSecurityContext" -}}
{{- $openshift := .Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- if ne .Values.openshift "auto" -}}
{{- $openshift = eq .Values.openshift "always" -}}
{{- end -}}
runAsNonRoot: true
{{- if not $openshift }}
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "guard.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "guard.tlsSecret" -}}
{{- if eq .Values.certificates.mode "secret" -}}
{{ .Values.certificates.secret.name }}
{{- else -}}
{{ include "guard.name" . }}-tls
{{- end -}}
{{- end }}

{{- define "guard.egress" -}}
# The API server.
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - port: {{ . }}
    {{- end }}
# Names.
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}

{{/* From where a pod's image comes, and on which nodes it may run. */}}
{{- define "guard.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
