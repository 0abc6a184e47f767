{{/* A Camunda Deployment. Takes ctx, component, name, values (of the component), and as the chart's version needs them:
     container, command (a list), probe (path:port), version, ports (list of name:number), secrets (see camunda.secretEnv), env (map), envYaml (text), envFrom (names of
     ConfigMaps), config (name of the ConfigMap) and configPath, serviceAccount, strategy, migration (the command of an init container of that name). */}}
{{- define "camunda.deployment" -}}
{{- $labels := dict "ctx" .ctx "component" .component "version" .version "image" .values.image }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- include "camunda.labels" $labels | nindent 4 }}
spec:
  replicas: {{ .values.replicas | default 1 }}
  {{- with .strategy }}
  strategy:
    type: {{ . }}
  {{- end }}
  selector:
    matchLabels: {{- include "camunda.matchLabels" $labels | nindent 6 }}
  template:
    metadata:
      labels: {{- include "camunda.labels" $labels | nindent 8 }}
        {{- with .values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with .values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec: {{- include "camunda.podSpec" . | nindent 6 }}
{{- end }}

{{/* Takes what camunda.deployment takes, and restartPolicy, data (path of the brokers' claim), exec (script in the configuration). */}}
{{- define "camunda.podSpec" -}}
{{- with .restartPolicy }}
restartPolicy: {{ . }}
{{- end }}
{{- with .serviceAccount }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .values.podSecurityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .migration }}
initContainers:
  {{- include "camunda.container" (merge (dict "container" "migration" "command" .migration) (omit . "container" "ports" "probe")) | nindent 2 }}
{{- end }}
containers:
  {{- include "camunda.container" . | nindent 2 }}
{{- with .config }}
volumes:
  - name: config
    configMap:
      name: {{ . }}
{{- end }}
{{- end }}

{{- define "camunda.container" -}}
- name: {{ .container | default .component }}
  image: {{ include "common.image" (dict "ctx" .ctx "image" .values.image) }}
  imagePullPolicy: {{ .ctx.Values.global.image.pullPolicy }}
  {{- with .command }}
  command: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.containerSecurityContext }}
  securityContext: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $secrets := include "camunda.secretEnv" (dict "ctx" .ctx "from" .secrets) }}
  {{- if or .env $secrets .envYaml .values.env }}
  env:
    {{- range $variable, $value := .env }}
    - name: {{ $variable }}
      value: {{ $value | toString | quote }}
    {{- end }}
    {{- $secrets | nindent 4 }}
    {{- with .envYaml }}{{ . | nindent 4 }}{{ end }}
    {{- with .values.env }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- end }}
  {{- if or .envFrom .values.envFrom }}
  envFrom:
    {{- range .envFrom }}
    - configMapRef:
        name: {{ . }}
    {{- end }}
    {{- with .values.envFrom }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- end }}
  {{- with .ports }}
  ports:
    {{- range . }}
    - name: {{ first (splitList ":" .) }}
      containerPort: {{ last (splitList ":" .) }}
    {{- end }}
  {{- end }}
  {{- with .probe }}
  readinessProbe:
    httpGet:
      path: {{ first (splitList ":" .) }}
      port: {{ last (splitList ":" .) }}
    periodSeconds: 2
  {{- end }}
  {{- if or .config .data }}
  volumeMounts:
    {{- if .config }}
    - name: config
      mountPath: {{ .configPath | default "/config" }}
    {{- end }}
    {{- with .data }}
    - name: data
      mountPath: {{ . }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* The StatefulSet of the brokers. Takes what camunda.podSpec takes, and typedClaim (the claim template says its kind, as from chart 12). */}}
{{- define "camunda.brokers" -}}
{{- $labels := dict "ctx" .ctx "component" "zeebe-broker" "image" .values.image }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  labels: {{- include "camunda.labels" $labels | nindent 4 }}
spec:
  replicas: {{ .values.clusterSize }}
  selector:
    matchLabels: {{- include "camunda.matchLabels" $labels | nindent 6 }}
  serviceName: {{ .name }}
  updateStrategy:
    type: RollingUpdate
  podManagementPolicy: Parallel
  template:
    metadata:
      labels: {{- include "camunda.labels" $labels | nindent 8 }}
        {{- with .values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with .values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec: {{- include "camunda.podSpec" (merge (dict "probe" "/ready:9600") .) | nindent 6 }}
  volumeClaimTemplates:
    - metadata:
        name: data
        {{- if hasKey .values "pvcAnnotations" }}
        annotations: {{- toYaml .values.pvcAnnotations | nindent 10 }}
        {{- end }}
      {{- if .typedClaim }}
      apiVersion: v1
      kind: PersistentVolumeClaim
      {{- end }}
      spec:
        accessModes: {{- toYaml .values.pvcAccessModes | nindent 10 }}
        {{- with .values.pvcStorageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .values.pvcSize | quote }}
{{- end }}

{{/* A Service of Camunda's. Takes ctx, component, name, image, ports (list of name:port:target), headless, selects (another component). */}}
{{- define "camunda.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- include "camunda.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  {{- if .headless }}
  clusterIP: None
  publishNotReadyAddresses: true
  {{- end }}
  ports:
    {{- range .ports }}
    {{- $port := splitList ":" . }}
    - name: {{ first $port }}
      port: {{ index $port 1 }}
      targetPort: {{ last $port }}
      protocol: TCP
    {{- end }}
  selector: {{- include "camunda.matchLabels" (dict "ctx" .ctx "component" (.selects | default .component)) | nindent 4 }}
{{- end }}

{{/* Takes ctx, component, name, image. */}}
{{- define "camunda.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels: {{- include "camunda.labels" . | nindent 4 }}
{{- end }}

{{/* A ConfigMap, up to its data where the template goes on with that itself. Takes ctx, component, name, image; files, a map of name to one line. */}}
{{- define "camunda.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name }}
  labels: {{- include "camunda.labels" . | nindent 4 }}
{{- with .files }}
data:
  {{- range $file, $text := . }}
  {{ $file }}: {{ $text | quote }}
  {{- end }}
{{- end }}
{{- end }}
