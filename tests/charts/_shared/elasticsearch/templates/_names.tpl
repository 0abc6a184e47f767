{{- define "elasticsearch.master" -}}
{{- $master := .Values.master }}
{{- $master.fullnameOverride | default (printf "%s-%s" (include "common.fullname" (dict "ctx" . "values" .Values "name" .Chart.Name))
      ($master.nameOverride | default "master")) }}
{{- end }}
