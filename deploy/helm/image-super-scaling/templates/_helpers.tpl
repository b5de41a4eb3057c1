{{- define "upscaler.name" -}}
{{- default "upscaler" .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* The release's name, with the application's unless it has it. 50 characters leave room for `-worker` and `-metrics`. */}}
{{- define "upscaler.fullname" -}}
{{- $name := include "upscaler.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What selects pods; takes (dict "root" $ "part" "-worker"), the part empty for the service. */}}
{{- define "upscaler.selector" -}}
app.kubernetes.io/name: {{ include "upscaler.name" .root }}{{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "upscaler.labels" -}}
{{ include "upscaler.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "upscaler.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The value of a setting as the environment has it: lists by commas, and whole numbers without an exponent, as numbers of
     values files are floats. */}}
{{- define "upscaler.text" -}}
{{- if kindIs "slice" . }}{{ join "," . }}
{{- else if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}
{{- else }}{{ . }}{{ end }}
{{- end }}

{{/* All settings as a YAML map: the chart's own, and over them those of `settings`. */}}
{{- define "upscaler.settings" -}}
{{- $full := include "upscaler.fullname" . -}}
{{- $hosts := list $full (printf "%s.%s" $full .Release.Namespace) (printf "%s.%s.svc" $full .Release.Namespace) -}}
{{- if .Values.ingress.enabled }}{{ $hosts = concat .Values.ingress.hosts $hosts }}{{ end -}}
{{- $own := dict "UPSCALER_ALLOWED_HOSTS" $hosts -}}
{{- if .Values.jobs.enabled -}}
{{- $_ := set $own "UPSCALER_JOBS_STORE" (default "/jobs" .Values.jobs.store.url) -}}
{{- /* `auto` depends on the processor, and workers take only jobs of their own precision. */ -}}
{{- $_ := set $own "UPSCALER_PRECISION" "int8" -}}
{{- if .Values.jobs.keda.enabled }}{{ $_ := set $own "UPSCALER_JOBS_WORKERS" .Values.jobs.keda.maxReplicas }}{{ end -}}
{{- else -}}
{{- /* Replicas that do not share a store would not know each other's jobs. */ -}}
{{- $_ := set $own "UPSCALER_JOBS_STORE" "" -}}
{{- end -}}
{{- if .Values.webhookSecret.existingSecret }}{{ $_ := set $own "UPSCALER_WEBHOOK_SECRET_FILE" (printf "/webhook/%s" .Values.webhookSecret.key) }}{{ end -}}
{{- $texts := dict -}}
{{- range $name, $value := mergeOverwrite $own (deepCopy .Values.settings) -}}
{{- $_ := set $texts $name (include "upscaler.text" $value) -}}
{{- end -}}
{{- toYaml $texts -}}
{{- end }}

{{/* The environment of service and workers alike. */}}
{{- define "upscaler.env" -}}
{{- range $name, $value := fromYaml (include "upscaler.settings" .) }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- if .Values.jobs.enabled }}
{{- if hasKey .Values.settings "UPSCALER_BROKER" }}{{ fail "settings.UPSCALER_BROKER would be readable in the deployment: name the broker in jobs.broker" }}{{ end }}
{{- with .Values.jobs.broker }}
- name: BROKER_USERNAME
  valueFrom: {secretKeyRef: {name: {{ .existingSecret }}, key: username}}
- name: BROKER_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .existingSecret }}, key: password}}
- {name: UPSCALER_BROKER, value: "{{ .scheme }}://$(BROKER_USERNAME):$(BROKER_PASSWORD)@{{ .host }}:{{ .port }}/{{ .virtualHost }}"}
{{- end }}
{{- if .Values.jobs.store.url }}
- {name: TMPDIR, value: /jobs}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "upscaler.storeCredentials" -}}
{{- if and .Values.jobs.enabled .Values.jobs.store.existingSecret }}
envFrom:
  - secretRef: {name: {{ .Values.jobs.store.existingSecret }}}
{{- end }}
{{- end }}

{{- define "upscaler.jobsVolume" -}}
- name: jobs
{{- if .Values.jobs.store.url }}
  emptyDir: {sizeLimit: {{ .Values.jobs.store.scratchSize }}}
{{- else }}
  persistentVolumeClaim: {claimName: {{ default (printf "%s-jobs" (include "upscaler.fullname" .)) .Values.jobs.store.existingClaim }}}
{{- end }}
{{- end }}

{{/* What pods of service and workers have alike, above their containers. */}}
{{- define "upscaler.pod" -}}
automountServiceAccountToken: false
# Otherwise Kubernetes sets UPSCALER_SERVICE_HOST and others, which look like misspelt settings.
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
# Each replica on a node of its own, if there are enough.
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "upscaler.selector" . | nindent 8 }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext: {{ toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- end }}

{{- define "upscaler.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "upscaler.webhookVolume" -}}
{{- with .Values.webhookSecret.existingSecret }}
- name: webhook
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- define "upscaler.podMetadata" -}}
labels: {{ include "upscaler.selector" . | nindent 2 }}
{{- with .root.Values.podLabels }}
{{- toYaml . | nindent 2 }}
{{- end }}
{{- $annotations := default dict .root.Values.podAnnotations }}
{{- with .root.Values.rateStore.url }}
{{- /* Pods that have the old URL are replaced. */}}
{{- $annotations = merge (dict "checksum/rate-store" (sha256sum .)) $annotations }}
{{- end }}
{{- with $annotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "upscaler.dns" -}}
- to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- end }}

{{/* To the broker, to the names of services, and to a bucket. */}}
{{- define "upscaler.jobsEgress" -}}
- to:
    - podSelector: {matchLabels: {{ toJson .Values.jobs.broker.podLabels }}}
  ports: [{port: {{ .Values.jobs.broker.port }}}]
{{ include "upscaler.dns" . }}
{{- if .Values.jobs.store.url }}
- ports: [{port: 443}]
{{- end }}
{{- end }}
