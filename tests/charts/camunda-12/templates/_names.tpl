{{/* The license, as name/key. */}}
{{- define "camunda.licenseRef" -}}
{{- .Values.global.license.existingSecret | default (printf "%s-license" (include "camunda.platformName" .)) }}/CAMUNDA_LICENSE_KEY
{{- end }}
