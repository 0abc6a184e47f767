{{/*
A generated credential, in base64. Takes ctx, secret and key (where it is kept), given (what the user passed),
valueKey (how to pass it) and bitnami (true for Keycloak's and PostgreSQL's own).
global.secretsMode, which only these charts have, says what happens to it at an upgrade:
  failUnlessGiven  charts up to 8.3.2: Camunda's own must be given, Bitnami's are looked up
  reuseLookup      8.3.3 and later: what is on the cluster wins; a new one must be given
  generateAnew     no look-up, as under Argo CD and `helm template`
*/}}
{{- define "common.credential" -}}
{{- $mode := .ctx.Values.global.secretsMode }}
{{- if not (has $mode (list "failUnlessGiven" "reuseLookup" "generateAnew")) }}
{{- fail (printf "global.secretsMode %q is none of failUnlessGiven, reuseLookup, generateAnew" $mode) }}
{{- end }}
{{- $live := "" }}
{{- if or (eq $mode "reuseLookup") (and .bitnami (eq $mode "failUnlessGiven")) }}
{{- $live = dig "data" .key "" (lookup "v1" "Secret" .ctx.Release.Namespace .secret) }}
{{- end }}
{{- if $live }}
{{- $live }}
{{- else if .given }}
{{- .given | b64enc }}
{{- else if and .ctx.Release.IsUpgrade (not .bitnami) (ne $mode "generateAnew") }}
{{- $variable := .key | replace "-" "_" | upper }}
{{- fail (printf "\nPASSWORDS ERROR: You must provide your current passwords when upgrading the release.\n\n    '%s' must not be empty, please add '--set %s=$%s' to the command. To get the current value:\n\n        export %s=$(kubectl get secret --namespace \"%s\" \"%s\" -o jsonpath=\"{.data.%s}\" | base64 --decode)\n" .valueKey .valueKey $variable $variable .ctx.Release.Namespace .secret .key) }}
{{- else }}
{{- randAlphaNum 10 | b64enc }}
{{- end }}
{{- end }}

{{/* Name and key, as name/key, of the Secret with a component's client secret (charts up to 12).
     existingSecret as a string is the password itself, as {name: x} the name of the user's own Secret. */}}
{{- define "camunda.clientSecretRef" -}}
{{- $auth := index .ctx.Values.global.identity.auth .of | default dict }}
{{- $key := $auth.existingSecretKey | default (printf "%s-secret" .of) }}
{{- if kindIs "map" $auth.existingSecret }}
{{- printf "%s/%s" $auth.existingSecret.name $key }}
{{- else }}
{{- printf "%s-%s-identity-secret/%s" .ctx.Release.Name .of $key }}
{{- end }}
{{- end }}

{{/* The Secret <release>-<of>-identity-secret. Takes ctx, of (the component), image. */}}
{{- define "camunda.clientSecret" -}}
{{- $auth := index .ctx.Values.global.identity.auth .of | default dict }}
{{- if and .ctx.Values.global.identity.auth.enabled (not (kindIs "map" $auth.existingSecret)) }}
{{- $name := printf "%s-%s-identity-secret" .ctx.Release.Name .of }}
{{- $key := $auth.existingSecretKey | default (printf "%s-secret" .of) }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ $name }}
  labels: {{- include "camunda.labels" (dict "ctx" .ctx "owner" "identity" "component" "identity" "image" .image) | nindent 4 }}
type: Opaque
data:
  {{ $key }}: {{ include "common.credential" (dict "ctx" .ctx "secret" $name "key" $key "given" $auth.existingSecret
    "valueKey" (printf "global.identity.auth.%s.existingSecret" .of)) | quote }}
{{- end }}
{{- end }}

{{/* Env entries that read Secrets. Takes ctx and from: a map of variable to either name/key or a component, whose client secret is meant
     and which is left out where authentication is off. */}}
{{- define "camunda.secretEnv" -}}
{{- range $variable, $ref := .from }}
{{- $client := not (contains "/" $ref) }}
{{- if or (not $client) $.ctx.Values.global.identity.auth.enabled }}
{{- if $client }}
{{- $ref = include "camunda.clientSecretRef" (dict "ctx" $.ctx "of" $ref) }}
{{- end }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ first (splitList "/" $ref) }}
      key: {{ last (splitList "/" $ref) }}
{{- end }}
{{- end }}
{{- end }}

{{/* name/key of Keycloak's administrator password: an external one's is named globally. Takes ctx, values (Keycloak's), name (default name). */}}
{{- define "keycloak.adminSecretRef" -}}
{{- $own := printf "%s/admin-password" (include "common.fullname" (dict "ctx" .ctx "values" .values "name" "keycloak")) }}
{{- $auth := .values.auth | default dict }}
{{- $external := dig "identity" "keycloak" "auth" (dict) (.ctx.Values.global | default dict) }}
{{- if $external.existingSecret }}{{ $external.existingSecret }}/{{ $external.existingSecretKey }}
{{- else if $auth.existingSecret }}{{ $auth.existingSecret }}/{{ $auth.passwordSecretKey | default "admin-password" }}
{{- else }}{{ $own }}{{ end }}
{{- end }}

{{/* Names of the Secret of a PostgreSQL and of its keys, as YAML. Takes ctx and values (PostgreSQL's). */}}
{{- define "postgresql.secret" -}}
{{- $auth := .values.auth | default dict }}
{{- if $auth.existingSecret }}
name: {{ $auth.existingSecret }}
adminKey: {{ dig "secretKeys" "adminPasswordKey" "postgres-password" $auth }}
userKey: {{ dig "secretKeys" "userPasswordKey" "password" $auth }}
{{- else }}
name: {{ include "common.fullname" (dict "ctx" .ctx "values" .values "name" .name) }}
adminKey: postgres-password
userKey: password
{{- end }}
{{- end }}
