{{- define "airflow.postgresql.name" -}}
{{- include "airflow.component.name" (dict "context" . "component" "postgresql") }}
{{- end }}
