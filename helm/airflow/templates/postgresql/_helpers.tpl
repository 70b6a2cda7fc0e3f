{{- define "airflow.postgresql.name" -}}
{{- include "airflow.component.name" (dict "context" . "component" "postgresql") }}
{{- end }}

{{- define "airflow.postgresql.secretName" -}}
{{- .Values.postgresql.secretName | default (include "airflow.postgresql.name" .) }}
{{- end }}
