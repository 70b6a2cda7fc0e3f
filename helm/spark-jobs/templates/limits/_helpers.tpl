{{- define "spark-jobs.limits.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: limits
{{- end }}
