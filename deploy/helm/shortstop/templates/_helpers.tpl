{{- define "shortstop.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "shortstop.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "shortstop.labels" -}}
{{ include "shortstop.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "shortstop.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{/* What the chart refuses: settings that would lose something without a word. */}}
{{- define "shortstop.check" -}}
{{- if regexMatch "(?m)^\\s*\\[(server|store)\\]" .Values.config -}}
{{- fail "config holds a table that the chart writes. Set server.* and store.* of the values; what has no value of its own goes to server.extra." -}}
{{- end -}}
{{- $several := or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled -}}
{{- if and $several (not .Values.store.url) (not .Values.independentReplicas) -}}
{{- fail "Several replicas without store.url would each have keys, budgets and traces of their own. Set store.url, or independentReplicas: true if that is meant." -}}
{{- end -}}
{{- range list "SHORTSTOP_TRACES_KEY" "SHORTSTOP_PRIVACY_KEY" -}}
{{- if and $.Values.store.url (not (hasKey $.Values.secretEnv .)) -}}
{{- fail (printf "With store.url every replica must seal with the same keys: name a Secret under secretEnv.%s." .) -}}
{{- end -}}
{{- end -}}
{{- if regexMatch "^[a-z]+://[^/@]*:[^/@]*@|[?&]password=" .Values.store.url -}}
{{- fail "store.url holds a password, which would stand in a ConfigMap. Leave it out and name a Secret under store.passwordSecret." -}}
{{- end -}}
{{- end -}}

{{/* shortstop.toml. What the operator wrote comes first, for it may begin with keys of no table. */}}
{{- define "shortstop.config" -}}
{{- $name := include "shortstop.fullname" . -}}
{{- $namespace := .Release.Namespace -}}
{{- with .Values.config }}
{{- . | trim }}

{{ end -}}
[server]
host = "0.0.0.0"
port = 8484
auth = "required"
workers = {{ .Values.server.workers }}
max_in_flight = {{ .Values.server.maxInFlight }}
drain_seconds = {{ .Values.server.drainSeconds }}
open_routes = ["metrics", "ready"]
allowed_hosts = {{ concat (list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.%s" $name $namespace .Values.clusterDomain)) .Values.server.allowedHosts | toJson }}
{{- with .Values.server.extra }}
{{ . | trim }}
{{- end }}
{{- if .Values.tls.secret }}

[server.tls]
cert = "/etc/shortstop-tls/tls.crt"
key = "/etc/shortstop-tls/tls.key"
{{- end }}
{{- with .Values.store.url }}

[store]
url = {{ . | quote }}
{{- end }}
{{- if .Values.vllm.enabled }}

[models.vllm]
url = "http://{{ $name }}-vllm.{{ $namespace }}.svc.{{ .Values.clusterDomain }}:8000/v1"
model = "vllm"
context = {{ .Values.vllm.context }}
slots = {{ .Values.vllm.slots }}
{{- end }}
{{- end -}}

{{/* The environment: secrets by reference alone. */}}
{{- define "shortstop.env" -}}
{{- range $name, $from := .Values.secretEnv }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
      {{- if $from.optional }}
      optional: true
      {{- end }}
{{- end }}
{{- with include "shortstop.storeEnv" . | trim }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "shortstop.storeEnv" -}}
{{- if and .Values.store.url .Values.store.passwordSecret.name }}
- name: SHORTSTOP_STORE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .Values.store.passwordSecret.name }}
      key: {{ .Values.store.passwordSecret.key }}
{{- end }}
{{- end -}}

{{- define "shortstop.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Ways out that the gateway and the migration share: names, and the database. */}}
{{- define "shortstop.egressDns" -}}
- to:
    - namespaceSelector: {}
      podSelector:
        matchLabels: {k8s-app: kube-dns}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{- define "shortstop.egressStore" -}}
- ports:
    - {protocol: TCP, port: {{ default 5432 (regexFind "[0-9]+$" (regexFind "^[a-z]+://[^/]*:[0-9]+" .Values.store.url)) | int }}}
  {{- with .Values.networkPolicy.storeTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
