{{/* Names and labels: everything in this chart is called and labelled by these. */}}

{{- define "airflow.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters, so that a component's name still fits into 63. */}}
{{- define "airflow.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "airflow.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "airflow.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "airflow.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Most of what follows is of a component: a dict of context (the chart's root), component (its name) and values (its own). */}}

{{- define "airflow.component.name" -}}
{{- include "airflow.fullname" .context }}-{{ .component }}
{{- end }}

{{- define "airflow.component.selectorLabels" -}}
app.kubernetes.io/name: {{ include "airflow.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "airflow.component.podLabels" -}}
{{ include "airflow.component.selectorLabels" . }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mlb-employee-data-platform
{{- with .context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Name (the component's, or `name`), namespace and labels of an object. */}}
{{- define "airflow.component.metadata" -}}
name: {{ .name | default (include "airflow.component.name" .) }}
namespace: {{ .context.Release.Namespace }}
labels:
  {{- include "airflow.component.podLabels" . | nindent 2 }}
  app.kubernetes.io/managed-by: {{ .context.Release.Service }}
  helm.sh/chart: {{ include "airflow.chart" .context }}
{{- end }}

{{- define "airflow.component.serviceAccountName" -}}
{{- with .values.serviceAccount }}
{{- if .create }}
{{- .name | default (include "airflow.component.name" $) }}
{{- else }}
{{- .name | default "default" }}
{{- end }}
{{- end }}
{{- end }}

{{/* A dict of context and image. */}}
{{- define "airflow.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (.image.tag | default .context.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- define "airflow.baseUrl" -}}
{{- if .Values.baseUrl }}
{{- .Values.baseUrl | trimSuffix "/" }}
{{- else if .Values.ingress.enabled }}
{{- printf "https://%s" .Values.ingress.host }}
{{- else -}}
http://localhost:8080
{{- end }}
{{- end }}

{{/* A value as a word: whole numbers of any size without an exponent, which is how they come out of YAML. */}}
{{- define "airflow.word" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Ports that Airflow's processes listen on. */}}
{{- define "airflow.port.api" -}}8080{{- end }}
{{- define "airflow.port.health" -}}8974{{- end }}
{{- define "airflow.port.taskLogs" -}}8793{{- end }}
{{- define "airflow.port.triggerLogs" -}}8794{{- end }}
{{- define "airflow.port.postgresql" -}}5432{{- end }}
{{- define "airflow.port.aws" -}}5000{{- end }}
{{- define "airflow.port.statsd" -}}9125{{- end }}
{{- define "airflow.port.metrics" -}}9102{{- end }}
