{{/* Parts of NetworkPolicies: each a peer with its ports. */}}

{{- define "airflow.network.ports" -}}
ports:
{{- range . }}
  - port: {{ . }}
    protocol: TCP
{{- end }}
{{- end }}

{{/* Pods of components of this release: a dict of context and components. */}}
{{- define "airflow.network.pods" -}}
{{- range .components }}
- podSelector:
    matchLabels:
      {{- include "airflow.component.selectorLabels" (dict "context" $.context "component" .) | nindent 6 }}
{{- end }}
{{- end }}

{{- define "airflow.network.toNames" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns.to | nindent 4 }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}

{{- define "airflow.network.toDatabase" -}}
{{- if .Values.postgresql.enabled }}
- to:
    {{- include "airflow.network.pods" (dict "context" . "components" (list "postgresql")) | nindent 4 }}
  {{- include "airflow.network.ports" (list (include "airflow.port.postgresql" .)) | nindent 2 }}
{{- else }}
- to:
    {{- toYaml .Values.networkPolicy.database.to | nindent 4 }}
  {{- include "airflow.network.ports" (list .Values.networkPolicy.database.port) | nindent 2 }}
{{- end }}
{{- end }}

{{/* S3, SNS, and the pods' identity. */}}
{{- define "airflow.network.toAws" -}}
{{- if .Values.awsLocal.enabled }}
- to:
    {{- include "airflow.network.pods" (dict "context" . "components" (list "aws-local")) | nindent 4 }}
  {{- include "airflow.network.ports" (list (include "airflow.port.aws" .)) | nindent 2 }}
{{- else }}
- to:
    {{- toYaml .Values.networkPolicy.aws.to | nindent 4 }}
  {{- include "airflow.network.ports" .Values.networkPolicy.aws.ports | nindent 2 }}
{{- end }}
{{- if .Values.networkPolicy.podIdentity }}
- to:
    - ipBlock:
        cidr: 169.254.170.23/32
  {{- include "airflow.network.ports" (list 80) | nindent 2 }}
{{- end }}
{{- end }}

{{- define "airflow.network.toKubernetes" -}}
- to:
    {{- range .Values.networkPolicy.kubernetes.cidrs }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  {{- include "airflow.network.ports" .Values.networkPolicy.kubernetes.ports | nindent 2 }}
{{- end }}

{{- define "airflow.network.toApiServer" -}}
- to:
    {{- include "airflow.network.pods" (dict "context" . "components" (list "api-server")) | nindent 4 }}
  {{- include "airflow.network.ports" (list (include "airflow.port.api" .)) | nindent 2 }}
{{- end }}

{{- define "airflow.network.toLineage" -}}
{{- with .Values.lineage }}
{{- if eq .transport "http" }}
- to:
    {{- toYaml .http.to | nindent 4 }}
  {{- include "airflow.network.ports" (list .http.port) | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "airflow.network.toMetrics" -}}
{{- if .Values.statsdExporter.enabled }}
- to:
    {{- include "airflow.network.pods" (dict "context" . "components" (list "statsd-exporter")) | nindent 4 }}
  ports:
    - port: {{ include "airflow.port.statsd" . }}
      protocol: UDP
{{- else if .Values.metrics.statsd.host }}
- to:
    {{- toYaml .Values.metrics.statsd.to | nindent 4 }}
  ports:
    - port: {{ .Values.metrics.statsd.port }}
      protocol: UDP
{{- end }}
{{- end }}
