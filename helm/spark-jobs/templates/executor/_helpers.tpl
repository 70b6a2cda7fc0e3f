{{- define "spark-jobs.executor.name" -}}
{{- include "spark-jobs.fullname" . }}-executor
{{- end }}

{{- define "spark-jobs.executor.selectorLabels" -}}
{{ include "spark-jobs.selectorLabels" . }}
app.kubernetes.io/component: executor
{{- end }}

{{- define "spark-jobs.executor.podLabels" -}}
{{ include "spark-jobs.podLabels" . }}
app.kubernetes.io/component: executor
{{- end }}

{{- define "spark-jobs.executor.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: executor
{{- end }}

{{- define "spark-jobs.executor.serviceAccountName" -}}
{{- if .Values.executors.serviceAccount.create }}
{{- .Values.executors.serviceAccount.name | default (include "spark-jobs.executor.name" .) }}
{{- else }}
{{- .Values.executors.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "spark-jobs.executor.podTemplateName" -}}
{{- include "spark-jobs.fullname" . }}-executor-pod
{{- end }}

{{/* Fixed ports, since the NetworkPolicies name them. */}}
{{- define "spark-jobs.executor.driverPort" -}}7078{{- end }}
{{- define "spark-jobs.executor.blockManagerPort" -}}7079{{- end }}

{{/* What the jobs are told about executors. */}}
{{- define "spark-jobs.executor.settings" -}}
MLB_EXECUTOR_IMAGE: {{ include "spark-jobs.image" . | quote }}
MLB_EXECUTOR_IMAGE_PULL_POLICY: {{ .Values.image.pullPolicy }}
MLB_EXECUTOR_SERVICE_ACCOUNT: {{ include "spark-jobs.executor.serviceAccountName" . }}
MLB_EXECUTOR_POD_TEMPLATE: /etc/mlb/executor/pod.yaml
MLB_DRIVER_PORT: {{ include "spark-jobs.executor.driverPort" . | quote }}
MLB_BLOCK_MANAGER_PORT: {{ include "spark-jobs.executor.blockManagerPort" . | quote }}
{{- with .Values.executors }}
MLB_EXECUTORS: {{ .count | quote }}
{{- with .max }}
MLB_EXECUTORS_MAX: {{ . | quote }}
{{- end }}
MLB_EXECUTOR_CORES: {{ .cores | quote }}
{{- with .cpuRequest }}
MLB_EXECUTOR_CPU_REQUEST: {{ . | quote }}
{{- end }}
MLB_EXECUTOR_MEMORY: {{ .memory | quote }}
MLB_EXECUTOR_MEMORY_OVERHEAD: {{ .memoryOverhead | quote }}
MLB_EXECUTOR_TIMEOUT: {{ .timeoutSeconds | quote }}
{{- end }}
{{- end }}
