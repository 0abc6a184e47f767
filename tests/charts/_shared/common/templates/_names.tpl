{{/* The usual name of an object: the override; the release alone if it contains the name; else release-name.
     Takes ctx, name (default) and values, where nameOverride and fullnameOverride may be. */}}
{{- define "common.fullname" -}}
{{- $values := .values | default dict }}
{{- $name := $values.nameOverride | default .name }}
{{- if $values.fullnameOverride }}
{{- $values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .ctx.Release.Name }}
{{- .ctx.Release.Name }}
{{- else }}
{{- printf "%s-%s" .ctx.Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* image: registry, repository, tag; the tag may be global (chart 8.3). Takes ctx and image. */}}
{{- define "common.image" -}}
{{- with .image.registry }}{{ . }}/{{ end }}{{ .image.repository }}:{{ include "common.imageTag" . }}
{{- end }}

{{- define "common.imageTag" -}}
{{- .image.tag | default (dig "image" "tag" "" (.ctx.Values.global | default dict)) }}
{{- end }}

{{/* Camunda's labels. Takes ctx, component; owner where the object bears another chart's name (identity's Secrets);
     image or version for app.kubernetes.io/version. */}}
{{- define "camunda.matchLabels" -}}
{{ toYaml .ctx.Values.global.labels }}
app.kubernetes.io/name: {{ .owner | default .ctx.Values.nameOverride | default .ctx.Chart.Name }}
app.kubernetes.io/instance: {{ .ctx.Release.Name }}
app.kubernetes.io/managed-by: {{ .ctx.Release.Service }}
app.kubernetes.io/part-of: camunda-platform
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "camunda.labels" -}}
{{ include "camunda.matchLabels" . }}
helm.sh/chart: {{ .owner | default .ctx.Chart.Name }}-{{ .ctx.Chart.Version }}
{{- if .version }}
app.kubernetes.io/version: {{ .version | quote }}
{{- else if .image }}
app.kubernetes.io/version: {{ include "common.imageTag" . | quote }}
{{- end }}
{{- end }}

{{/* The labels of Bitnami's charts. Takes ctx and component. */}}
{{- define "bitnami.matchLabels" -}}
app.kubernetes.io/name: {{ .ctx.Values.nameOverride | default .ctx.Chart.Name }}
app.kubernetes.io/instance: {{ .ctx.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "bitnami.labels" -}}
{{ include "bitnami.matchLabels" . }}
app.kubernetes.io/managed-by: {{ .ctx.Release.Service }}
app.kubernetes.io/version: {{ .ctx.Chart.AppVersion | quote }}
helm.sh/chart: {{ .ctx.Chart.Name }}-{{ .ctx.Chart.Version }}
{{- end }}

{{/* The brokers' name up to chart 12; the gateway is called after it. */}}
{{- define "zeebe.name" -}}
{{- tpl .Values.global.zeebeClusterName . | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Where the components find Elasticsearch. global.elasticsearch.url is a map from chart 10 on. */}}
{{- define "elasticsearch.host" -}}
{{- $at := .Values.global.elasticsearch }}
{{- if kindIs "map" $at.url }}{{ tpl $at.url.host . }}{{ else }}{{ tpl $at.host . }}{{ end }}
{{- end }}

{{- define "elasticsearch.url" -}}
{{- $at := .Values.global.elasticsearch }}
{{- if kindIs "map" $at.url }}
{{- $at.url.protocol }}://{{ include "elasticsearch.host" . }}:{{ $at.url.port }}
{{- else }}
{{- $at.url | default (printf "%s://%s:%v" $at.protocol (include "elasticsearch.host" .) $at.port) }}
{{- end }}
{{- end }}

{{/* Takes ctx and component, which is also the key of its values. */}}
{{- define "camunda.name" -}}
{{- include "common.fullname" (dict "ctx" .ctx "values" (index .ctx.Values .component) "name" .component) }}
{{- end }}

{{- define "camunda.platformName" -}}
{{- include "common.fullname" (dict "ctx" . "values" .Values "name" .Chart.Name) }}
{{- end }}

{{/* Where Identity finds Keycloak; global.identity.keycloak.url is a map (from chart 10 on) or empty. */}}
{{- define "keycloak.url" -}}
{{- with dig "identity" "keycloak" "url" (dict) .Values.global }}
{{- .protocol }}://{{ .host }}:{{ .port }}
{{- else }}http://{{ include "common.fullname" (dict "ctx" . "values" .Values.identityKeycloak "name" "keycloak") }}
{{- end }}
{{- end }}
