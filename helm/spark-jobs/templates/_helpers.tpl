{{/* Names and labels: everything in this chart is called and labelled by these. */}}

{{- define "spark-jobs.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters, so that a component's name and a Job's date still fit into 63. */}}
{{- define "spark-jobs.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "spark-jobs.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "spark-jobs.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "spark-jobs.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "spark-jobs.selectorLabels" -}}
app.kubernetes.io/name: {{ include "spark-jobs.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of pods, also of those that Helm does not make. */}}
{{- define "spark-jobs.podLabels" -}}
{{ include "spark-jobs.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mlb-employee-data-platform
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The labels of this chart's own objects. */}}
{{- define "spark-jobs.labels" -}}
{{ include "spark-jobs.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "spark-jobs.chart" . }}
{{- end }}

{{/* What tells jobs' pods apart: a launcher sets the last two. */}}
{{- define "spark-jobs.label.job" -}}mlb/job{{- end }}
{{- define "spark-jobs.label.deliveryDate" -}}mlb/delivery-date{{- end }}
{{- define "spark-jobs.label.runId" -}}mlb/run-id{{- end }}

{{- define "spark-jobs.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- define "spark-jobs.priorityClassName" -}}
{{- if .Values.priorityClass.create }}
{{- .Values.priorityClass.name | default (printf "%s-%s" .Release.Namespace (include "spark-jobs.fullname" .)) }}
{{- else }}
{{- .Values.priorityClass.name }}
{{- end }}
{{- end }}

{{/* Pod Security "restricted", for every pod of this chart. */}}
{{- define "spark-jobs.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.user }}
runAsGroup: {{ .Values.podSecurity.user }}
fsGroup: {{ .Values.podSecurity.user }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "spark-jobs.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where a component's pods go: a dict of context and component. */}}
{{- define "spark-jobs.placement" -}}
enableServiceLinks: false
{{- with include "spark-jobs.priorityClassName" .context }}
priorityClassName: {{ . }}
{{- end }}
{{- with .context.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The keys of an S3-compatible store. Optional, so that a job without them starts and says so itself. */}}
{{- define "spark-jobs.s3Credentials" -}}
{{- with .Values.s3.credentials }}
{{- if .secretName }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .accessKeyIdKey }}
      optional: true
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .secretAccessKeyKey }}
      optional: true
{{- end }}
{{- end }}
{{- end }}

{{/* A memory size of Kubernetes (4Gi, 512Mi, 4G) or of the JVM (2g, 512m) in mebibytes, rounded down. */}}
{{- define "spark-jobs.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 }}
{{- $unit := regexReplaceAll "^[0-9]+" . "" }}
{{- if has $unit (list "Gi" "g") }}{{ mul $number 1024 }}
{{- else if has $unit (list "Mi" "m") }}{{ $number }}
{{- else if has $unit (list "Ti" "t") }}{{ mul $number 1048576 }}
{{- else if has $unit (list "Ki" "k") }}{{ div $number 1024 }}
{{- else if eq $unit "G" }}{{ div (mul $number 1000000) 1049 }}
{{- else if eq $unit "M" }}{{ div (mul $number 1000) 1049 }}
{{- else }}{{ div $number 1048576 }}
{{- end }}
{{- end }}
