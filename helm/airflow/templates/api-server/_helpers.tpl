{{- define "airflow.apiServer.name" -}}
{{- include "airflow.component.name" (dict "context" . "component" "api-server") }}
{{- end }}
