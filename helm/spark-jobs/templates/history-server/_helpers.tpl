{{- define "spark-jobs.historyServer.name" -}}
{{- include "spark-jobs.fullname" . }}-history-server
{{- end }}

{{- define "spark-jobs.historyServer.selectorLabels" -}}
{{ include "spark-jobs.selectorLabels" . }}
app.kubernetes.io/component: history-server
{{- end }}

{{- define "spark-jobs.historyServer.podLabels" -}}
{{ include "spark-jobs.podLabels" . }}
app.kubernetes.io/component: history-server
{{- end }}

{{- define "spark-jobs.historyServer.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: history-server
{{- end }}

{{- define "spark-jobs.historyServer.serviceAccountName" -}}
{{- if .Values.historyServer.serviceAccount.create }}
{{- .Values.historyServer.serviceAccount.name | default (include "spark-jobs.historyServer.name" .) }}
{{- else }}
{{- .Values.historyServer.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* The port that it listens on. */}}
{{- define "spark-jobs.historyServer.port" -}}18080{{- end }}

{{/* Its configuration: where the event logs are, and how S3 is reached. */}}
{{- define "spark-jobs.historyServer.configuration" -}}
spark.history.fs.logDirectory {{ .Values.spark.eventLog.dir }}
spark.history.ui.port {{ include "spark-jobs.historyServer.port" . }}
spark.history.fs.cleaner.enabled true
spark.history.fs.cleaner.maxAge {{ .Values.historyServer.keepDays }}d
{{- with .Values.s3 }}
{{- if .endpoint }}
spark.hadoop.fs.s3a.endpoint {{ .endpoint }}
{{- end }}
spark.hadoop.fs.s3a.endpoint.region {{ .region | default "us-east-1" }}
{{- if kindIs "invalid" .pathStyle | ternary (not (empty .endpoint)) .pathStyle }}
spark.hadoop.fs.s3a.path.style.access true
{{- end }}
{{- if .credentials.secretName }}
spark.hadoop.fs.s3a.aws.credentials.provider software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider
{{- else }}
# IRSA, then EKS Pod Identity: never the node's role, which S3A would take without being told.
spark.hadoop.fs.s3a.aws.credentials.provider software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider,software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider
{{- end }}
{{- end }}
{{- end }}
