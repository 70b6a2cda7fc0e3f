{{- define "airflow.settings.name" -}}
{{- include "airflow.fullname" . }}-settings
{{- end }}

{{/* Where the connection to the database stands: secretName and key. */}}
{{- define "airflow.database" -}}
{{- if .Values.postgresql.enabled -}}
secretName: {{ include "airflow.postgresql.secretName" . }}
key: connection
{{- else -}}
secretName: {{ .Values.database.secretName }}
key: {{ .Values.database.key }}
{{- end }}
{{- end }}

{{- define "airflow.database.sslMode" -}}
{{- if .Values.postgresql.enabled -}}
disable
{{- else }}
{{- .Values.database.sslMode | default (ternary "verify-full" "require" (not (empty .Values.database.caSecretName))) }}
{{- end }}
{{- end }}

{{/* Connections that come from Secrets, each with id, secretName and key. */}}
{{- define "airflow.connections" -}}
{{- $connections := .Values.connections }}
{{- if .Values.aws.connection.secretName }}
{{- $connections = append $connections (merge (dict "id" "aws_default") .Values.aws.connection) }}
{{- else if .Values.awsLocal.enabled }}
{{- $connections = append $connections (dict "id" "aws_default" "secretName" (include "airflow.awsLocal.secretName" .) "key" "connection") }}
{{- end }}
{{- toYaml $connections }}
{{- end }}

{{/* The settings that the chart's values make; `config` adds others. */}}
{{- define "airflow.settings.own" -}}
AIRFLOW__CORE__EXECUTOR: LocalExecutor
AIRFLOW__CORE__PARALLELISM: {{ include "airflow.word" .Values.scheduler.parallelism | quote }}
AIRFLOW__CORE__AUTH_MANAGER: airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager
AIRFLOW__CORE__EXECUTION_API_SERVER_URL: http://{{ include "airflow.apiServer.name" . }}:{{ .Values.apiServer.service.port }}/execution/
# Logs of what runs are read from pods, which have an address but no name.
AIRFLOW__CORE__HOSTNAME_CALLABLE: airflow.utils.net.get_host_ip_address
AIRFLOW__API__BASE_URL: {{ include "airflow.baseUrl" . | quote }}
AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK: "True"
# Tasks of a scheduler that was killed are taken over after half a minute, not after five.
AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL: "30"
# A task that defers and is back within seconds is else at times taken for one that died (3.3, LocalExecutor).
AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL: "1"
AIRFLOW__LOGGING__LOGGING_LEVEL: {{ .Values.logs.level }}
AIRFLOW__LOGGING__JSON_LOGS: {{ .Values.logs.json | ternary "True" "False" | quote }}
AIRFLOW__LOGGING__REMOTE_LOGGING: "True"
AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER: {{ .Values.logs.remote | trimSuffix "/" | quote }}
AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID: aws_default
AIRFLOW__LOGGING__DELETE_LOCAL_LOGS: "True"
AWS_DEFAULT_REGION: {{ .Values.aws.region }}
{{- if not (or .Values.aws.connection.secretName .Values.awsLocal.enabled) }}
# Not a secret: the service account is the identity.
AIRFLOW_CONN_AWS_DEFAULT: {{ dict "conn_type" "aws" "extra" (dict "region_name" .Values.aws.region) | toJson | quote }}
{{- end }}
# libpq and asyncpg read these; a parameter of the URL would be known to one of them only.
PGSSLMODE: {{ include "airflow.database.sslMode" . }}
{{- if .Values.database.caSecretName }}
PGSSLROOTCERT: /etc/airflow/database/ca.pem
{{- end }}
{{- if include "airflow.metrics.host" . }}
AIRFLOW__METRICS__STATSD_ON: "True"
AIRFLOW__METRICS__STATSD_HOST: {{ include "airflow.metrics.host" . | quote }}
AIRFLOW__METRICS__STATSD_PORT: {{ include "airflow.metrics.port" . | quote }}
# One name with tags for each metric: the old names with the DAG in them would count everything twice.
AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED: "True"
AIRFLOW__METRICS__LEGACY_NAMES_ON: "False"
# Each run has another: a tag of it would make a series of each run.
AIRFLOW__METRICS__STATSD_DISABLED_TAGS: job_id,run_id,dagrun_id
{{- end }}
{{- with include "airflow.lineage.settings" . | trim }}
{{ . }}
{{- end }}
{{- with .Values.pipeline }}
MLB_SPARK_NAMESPACE: {{ .sparkNamespace }}
MLB_SPARK_RELEASE: {{ .sparkRelease }}
MLB_LANDING: {{ .landing | quote }}
MLB_ALERTS_TOPIC_ARN: {{ .alertsTopicArn | quote }}
MLB_SLA_SECONDS: {{ include "airflow.word" .slaSeconds | quote }}
MLB_RUN_DEADLINE_SECONDS: {{ include "airflow.word" .runDeadlineSeconds | quote }}
MLB_TASK_TIMEOUT_SECONDS: {{ include "airflow.word" .taskTimeoutSeconds | quote }}
MLB_RUN_TIMEOUT_SECONDS: {{ include "airflow.word" .runTimeoutSeconds | quote }}
MLB_APPROVAL_TIMEOUT_SECONDS: {{ include "airflow.word" .approvalTimeoutSeconds | quote }}
MLB_DELIVERY_TIMEOUT_SECONDS: {{ include "airflow.word" .deliveryTimeoutSeconds | quote }}
MLB_RETRY_DELAY_SECONDS: {{ include "airflow.word" .retryDelaySeconds | quote }}
{{- end }}
{{- end }}

{{- define "airflow.settings" -}}
{{ include "airflow.settings.own" . }}
{{- range $name, $value := .Values.config }}
{{ $name }}: {{ include "airflow.word" $value | quote }}
{{- end }}
{{- end }}
