{{- define "airflow.awsLocal.name" -}}
{{- include "airflow.component.name" (dict "context" . "component" "aws-local") }}
{{- end }}

{{- define "airflow.awsLocal.secretName" -}}
{{- .Values.awsLocal.secretName | default (include "airflow.awsLocal.name" .) }}
{{- end }}

{{/* Its address, from any namespace. */}}
{{- define "airflow.awsLocal.endpoint" -}}
http://{{ include "airflow.awsLocal.name" . }}.{{ .Release.Namespace }}.svc:{{ include "airflow.port.aws" . }}
{{- end }}

{{/* The Airflow connection to it: a dict of context and secretKey. */}}
{{- define "airflow.awsLocal.connection" -}}
{{- dict
  "conn_type" "aws"
  "login" "local"
  "password" .secretKey
  "extra" (dict "endpoint_url" (include "airflow.awsLocal.endpoint" .context) "region_name" .context.Values.aws.region)
  | toJson }}
{{- end }}
