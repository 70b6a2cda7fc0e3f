{{/* A set-up Job: no hook, since Helm's --wait waits for the pods first, which wait for the migrations: with a hook after that,
for ever. A Job cannot be changed, so its name goes with the release's revision and with its contents: every upgrade makes its own,
also of an image whose tag has not changed, and so does every change where there are no revisions (Argo CD).
A dict of context, job (its name), pod (the part of the pod's spec that is its own) and volume (one more). */}}
{{- define "airflow.setUp.job" -}}
{{- $of := dict "context" .context "component" "set-up" "values" .context.Values.setUp }}
{{- $template := include "airflow.setUp.podTemplate" (merge (dict "of" $of) .) -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- $name := printf "%s-%s-%d-%s" (include "airflow.fullname" .context) .job .context.Release.Revision ($template | sha256sum | trunc 8) }}
  {{- include "airflow.component.metadata" (merge (dict "name" $name) $of) | nindent 2 }}
spec:
  backoffLimit: 6
  template:
    {{- $template | nindent 4 }}
{{- end }}

{{- define "airflow.setUp.podTemplate" -}}
metadata:
  labels:
    {{- include "airflow.component.podLabels" .of | nindent 4 }}
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  {{- include "airflow.pod.place" .of | nindent 2 }}
  {{- .pod | nindent 2 }}
  volumes:
    {{- include "airflow.pod.volumes" .of | nindent 4 }}
    {{- with .volume }}
    - {{ toJson . }}
    {{- end }}
{{- end }}

{{/* Waits for the database, brings it up to this image, and makes the pool that the tasks queue for. */}}
{{- define "airflow.setUp.migrate" -}}
{{- $of := dict "context" . "values" .Values.setUp -}}
initContainers:
  - name: wait-for-database
    args: [db, check, --retry, "60", --retry-delay, "5"]
    {{- include "airflow.container" $of | nindent 4 }}
  - name: migrate
    args: [db, migrate]
    {{- include "airflow.container" $of | nindent 4 }}
containers:
  - name: pool
    args:
      - pools
      - set
      # A task that waits for its pod is deferred, and must count.
      - --include-deferred
      - {{ .Values.pipeline.pool.name }}
      - {{ .Values.pipeline.pool.slots | quote }}
      - Spark jobs that run at once (set by the chart at every upgrade)
    {{- include "airflow.container" $of | nindent 4 }}
{{- end }}

{{/* Creates the first user, unless it is there. A try that fails (once seen beside an api-server that was starting) is made again. */}}
{{- define "airflow.setUp.user" -}}
{{- $of := dict "context" . "values" .Values.setUp -}}
initContainers:
  {{- include "airflow.container.waitForMigrations" $of | nindent 2 }}
containers:
  - name: user
    command:
      - /usr/bin/tini
      - --
      - sh
      - -euc
      # By standard input, since arguments of a process are for all to see.
      - |
        password=$(cat /etc/airflow/admin/password)
        [ -n "$password" ] || { echo "The Secret {{ include "airflow.adminUser.secretName" . }} holds no password." >&2; exit 2; }
        printf '%s\n%s\n' "$password" "$password" | airflow users create --role Admin "$@"
      - create-user
      {{- with .Values.adminUser }}
      {{- range $option, $value := dict "username" .username "email" .email "firstname" .firstName "lastname" .lastName }}
      - {{ printf "--%s=%s" $option $value | quote }}
      {{- end }}
      {{- end }}
    {{- include "airflow.container" $of | nindent 4 }}
      - name: admin
        mountPath: /etc/airflow/admin
        readOnly: true
{{- end }}
