{{/* What a Secret of this release holds under a key, else something new, in base64. A dict of context, name, key and new. */}}
{{- define "airflow.secrets.kept" -}}
{{- $found := lookup "v1" "Secret" .context.Release.Namespace .name }}
{{- dig "data" .key "" ($found | default dict) | default (.new | b64enc) }}
{{- end }}

{{/* Annotations of the Secrets that this chart makes. */}}
{{- define "airflow.secrets.annotations" -}}
{{- if .Values.keepOnUninstall }}
annotations:
  # Without them what is encrypted in the database could not be read again.
  helm.sh/resource-policy: keep
{{- end }}
{{- end }}

{{- define "airflow.keys.secretName" -}}
{{- .Values.keys.secretName | default (printf "%s-keys" (include "airflow.fullname" .)) }}
{{- end }}

{{- define "airflow.adminUser.secretName" -}}
{{- .Values.adminUser.secretName | default (printf "%s-admin" (include "airflow.fullname" .)) }}
{{- end }}
