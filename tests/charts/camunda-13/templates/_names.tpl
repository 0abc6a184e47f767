{{/* The orchestration cluster goes on under Zeebe's name. */}}
{{- define "orchestration.name" -}}
{{- include "common.fullname" (dict "ctx" . "values" .Values.orchestration "name" "zeebe") }}
{{- end }}

{{/* Its values; with those of chart 12's zeebe only where the user's values say zeebe.enabled: true. */}}
{{- define "orchestration.values" -}}
{{- $values := deepCopy .Values.orchestration }}
{{- $old := .Values.zeebe | default dict }}
{{- if and .Values.global.compatibility.orchestration.enabled $old.enabled }}
{{- $kept := pick $old "clusterSize" "partitionCount" "replicationFactor" "pvcSize" "pvcStorageClassName" "pvcAccessModes" "podSecurityContext" "containerSecurityContext" }}
{{- $values = mergeOverwrite $values $kept }}
{{- end }}
{{- toYaml $values }}
{{- end }}

{{- define "orchestration.authMethod" -}}
{{- .Values.orchestration.security.authentication.method | default .Values.global.security.authentication.method }}
{{- end }}

{{/* An env entry with a client secret: from the user's Secret, inline, or from a Secret named the old way. Takes name and from. */}}
{{- define "camunda.authEnv" -}}
{{- $secret := .from.secret | default dict }}
{{- if and $secret.existingSecret $secret.existingSecretKey }}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ $secret.existingSecret }}, key: {{ $secret.existingSecretKey }}}}
{{- else if $secret.inlineSecret }}
- name: {{ .name }}
  value: {{ $secret.inlineSecret | quote }}
{{- else if .from.existingSecret }}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .from.existingSecret }}, key: {{ .from.existingSecretKey }}}}
{{- end }}
{{- end }}
