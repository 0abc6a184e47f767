{{/* A migration Job; not a hook, so its template may never change. Takes ctx, name, container, config, backoffLimit, checksum and what camunda.podSpec takes. */}}
{{- define "orchestration.job" -}}
{{- $labels := dict "ctx" .ctx "component" "orchestration-migration" "image" .values.image }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  labels: {{- include "camunda.labels" $labels | nindent 4 }}
spec:
  backoffLimit: {{ .backoffLimit }}
  template:
    metadata:
      labels: {{- include "camunda.labels" $labels | nindent 8 }}
      annotations:
        checksum/config: {{ .checksum }}
    spec: {{- include "camunda.podSpec" (merge (dict "restartPolicy" "OnFailure") .) | nindent 6 }}
{{- end }}
