{{- define "elastic.name" -}}
{{- .Values.fullnameOverride | default .Values.nameOverride | default (printf "%s-%s" .Values.clusterName .Values.nodeGroup) }}
{{- end }}

{{- define "elastic.labels" -}}
release: {{ .Release.Name }}
chart: {{ .Chart.Name }}
app: {{ include "elastic.name" . }}
{{- end }}
