{{- define "spark-jobs.launcher.name" -}}
{{- include "spark-jobs.fullname" . }}-launcher
{{- end }}

{{- define "spark-jobs.launcher.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: launcher
{{- end }}
