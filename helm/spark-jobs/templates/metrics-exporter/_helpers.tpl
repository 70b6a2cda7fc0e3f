{{- define "spark-jobs.metricsExporter.name" -}}
{{- include "spark-jobs.fullname" . }}-metrics-exporter
{{- end }}

{{- define "spark-jobs.metricsExporter.selectorLabels" -}}
{{ include "spark-jobs.selectorLabels" . }}
app.kubernetes.io/component: metrics-exporter
{{- end }}

{{- define "spark-jobs.metricsExporter.podLabels" -}}
{{ include "spark-jobs.podLabels" . }}
app.kubernetes.io/component: metrics-exporter
{{- end }}

{{- define "spark-jobs.metricsExporter.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: metrics-exporter
{{- end }}

{{- define "spark-jobs.metricsExporter.serviceAccountName" -}}
{{- if .Values.metricsExporter.serviceAccount.create }}
{{- .Values.metricsExporter.serviceAccount.name | default (include "spark-jobs.metricsExporter.name" .) }}
{{- else }}
{{- .Values.metricsExporter.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "spark-jobs.metricsExporter.image" -}}
{{- with .Values.metricsExporter.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The port that it listens on. */}}
{{- define "spark-jobs.metricsExporter.port" -}}9464{{- end }}

{{/* Where the lake is, and how S3 is reached: by keys of its own, which may only read, where there are any. */}}
{{- define "spark-jobs.metricsExporter.environment" -}}
- name: MLB_LAKE
  value: {{ trimSuffix "/" .Values.lake | quote }}
- name: MLB_METRICS_DATASET
  value: {{ .Values.metricsExporter.dataset | quote }}
- name: MLB_METRICS_ADDRESS
  value: {{ printf "0.0.0.0:%s" (include "spark-jobs.metricsExporter.port" .) | quote }}
- name: MLB_METRICS_INTERVAL
  value: {{ .Values.metricsExporter.intervalSeconds | quote }}
{{- with .Values.s3 }}
{{- if .endpoint }}
- name: MLB_S3_ENDPOINT
  value: {{ .endpoint | quote }}
{{- end }}
{{- if .region }}
- name: MLB_S3_REGION
  value: {{ .region | quote }}
{{- end }}
{{- if not (kindIs "invalid" .pathStyle) }}
- name: MLB_S3_PATH_STYLE
  value: {{ .pathStyle | quote }}
{{- end }}
{{- end }}
{{- /* An empty name of its own counts as none. */}}
{{- $credentials := merge (dict "secretName" .Values.metricsExporter.credentials.secretName) .Values.s3.credentials }}
{{- with include "spark-jobs.s3Credentials" (dict "Values" (dict "s3" (dict "credentials" $credentials))) }}
{{- . }}
{{- end }}
{{- end }}
